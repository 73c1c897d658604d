"""Real starts, warm starts and soft labels."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from conftest import tiny_generator
from gtn_tf import teachers
from gtn_tf.errors import ArgumentError
from gtn_tf.teachers.real_examples import real_examples

SEED = tf.constant([0, 1])
LABELS = np.arange(60) % 3
# The first pixel tells the image.
IMAGES = np.tile(np.linspace(-1.5, 1.5, 60, dtype=np.float32), (4, 4, 1, 1)).T
IMAGES = IMAGES.reshape([60, 4, 4, 1])
SOFT = {
    "all_shuffled": teachers.AllShuffled,
    "shuffled_batch": teachers.ShuffledBatch,
    "full_curriculum": teachers.FullCurriculum,
    "generator_and_pixels": teachers.GeneratorAndPixels,
}


def distillation(**kwargs):
    return teachers.DatasetDistillation((4, 4, 1), 3, 3, 4, **kwargs)


def with_pixels(**kwargs):
    return teachers.GeneratorAndPixels(tiny_generator(), 3, 4, **kwargs)


def places(images):
    """Which of IMAGES each image is."""
    first = np.asarray(images)[..., 0, 0, 0]
    return np.abs(first[..., np.newaxis] - IMAGES[:, 0, 0, 0]).argmin(axis=-1)


@pytest.mark.parametrize("make", [distillation, with_pixels])
def test_a_real_start_is_real_images_of_the_right_classes_without_repetition(make):
    teacher = make(seed=5)
    assert teacher.init == "noise"
    teacher.start_from(IMAGES, LABELS)
    images, labels = teacher.batches(SEED)
    chosen = places(images)
    np.testing.assert_allclose(images, IMAGES[chosen], atol=1e-5)
    np.testing.assert_array_equal(LABELS[chosen], labels)
    assert len(np.unique(chosen)) == 12
    assert teacher.init == "real"
    again, other = make(seed=5), make(seed=6)
    for one in again, other:
        one.start_from(IMAGES, LABELS)
    np.testing.assert_allclose(again.batches(SEED)[0], images, atol=1e-5)
    assert not np.allclose(other.batches(SEED)[0], images, atol=1e-2)


@pytest.mark.parametrize("make", [distillation, with_pixels])
def test_what_a_teacher_started_from_is_part_of_its_configuration(make):
    teacher = make(soft_labels=2.0)
    teacher.start_from(IMAGES, LABELS)
    again = type(teacher).from_config(teacher.get_config())
    assert again.init == "real" and again.soft_labels == 2.0


def test_brighter_images_than_pixels_can_be_keep_a_gradient():
    teacher = distillation()
    teacher.start_from(10 * IMAGES, LABELS)
    with tf.GradientTape() as tape:
        images, _ = teacher.batches(SEED)
    gradient = tape.gradient(images, teacher.pixels)
    assert np.abs(images).max() < 2 and np.abs(gradient).min() > 0.05


def test_examples_repeat_only_when_a_class_has_too_few():
    wanted = np.array([0] * 5 + [1])
    found = real_examples(IMAGES[:6], LABELS[:6], wanted).reshape([6, -1])[:, 0]
    chosen = np.abs(found[:, None] - IMAGES[:6, 0, 0, 0]).argmin(axis=1)
    assert set(chosen[:2]) == set(chosen[2:4]) == {0, 3}  # both, then both again
    with pytest.raises(ArgumentError, match="none of class 2"):
        real_examples(IMAGES[:2], LABELS[:2], np.array([2]))


def test_a_warm_start_brings_a_curriculum_near_to_real_images():
    teacher = teachers.FullCurriculum(tiny_generator(), 3, 4, seed=5)
    target = real_examples(IMAGES, LABELS, teacher.even_labels().numpy(), 5)
    before = np.mean((teacher.batches(SEED)[0] - target) ** 2)
    lines = []
    loss = teachers.warm_start(
        teacher, IMAGES, LABELS, 150, lambda *line: lines.append(line)
    )
    after = np.mean((teacher.batches(SEED)[0] - target) ** 2)
    assert after < before / 3
    assert lines[-1] == (150, loss) and len(lines) == 10


@pytest.mark.parametrize("name", SOFT)
def test_soft_labels_go_with_their_images(name):
    """Learned labels differ from example to example, in the order of its images."""
    teacher = SOFT[name](tiny_generator(), 3, 4, soft_labels=3.0)
    images, labels = teacher.batches(SEED)
    assert labels.shape == [3, 4, 3] and labels.dtype == tf.float32
    confident = np.exp(3) / (np.exp(3) + 2)
    np.testing.assert_allclose(np.max(labels, axis=-1), confident, rtol=1e-5)
    hard = SOFT[name](tiny_generator(), 3, 4)
    np.testing.assert_array_equal(np.argmax(labels, -1), hard.batches(SEED)[1])
    logits = np.random.default_rng(0).normal(size=[3, 4, 3]).astype(np.float32)
    teacher.label_logits.assign(logits)
    expected = tf.nn.softmax(3 * (tf.one_hot(teacher.even_labels(), 3) + logits))
    stored = np.reshape(teacher.latents, [12, -1])
    met = np.reshape(teacher.inputs(SEED)[0], [12, -1])
    order = [int(np.flatnonzero((stored == one).all(axis=1))[0]) for one in met]
    found = np.reshape(teacher.batches(SEED)[1], [12, 3])
    np.testing.assert_allclose(found, np.reshape(expected, [12, 3])[order], rtol=1e-5)
    _, one = teacher.batch(tf.constant(1), SEED)
    np.testing.assert_allclose(one, found.reshape([3, 4, 3])[1], rtol=1e-6)


def test_teachers_without_stored_examples_have_no_soft_labels():
    with pytest.raises(ArgumentError, match="expected 0: nothing is stored"):
        teachers.NoCurriculum(tiny_generator(), 3, 4, soft_labels=1.0)
    with pytest.raises(ArgumentError, match="expected at least 0, received -1"):
        distillation(soft_labels=-1.0)
