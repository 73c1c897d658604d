"""The generator and the six sources of inner-loop data."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import slow_after, tiny_generator
from gtn_tf import Generator, teachers

IMAGES = np.arange(10 * 16, dtype=np.float32).reshape([10, 4, 4, 1])
LABELS = np.arange(10) % 3
MAKERS = {
    "no_curriculum": lambda: teachers.NoCurriculum(tiny_generator(), 3, 4),
    "all_shuffled": lambda: teachers.AllShuffled(tiny_generator(), 3, 4),
    "shuffled_batch": lambda: teachers.ShuffledBatch(tiny_generator(), 3, 4),
    "full_curriculum": lambda: teachers.FullCurriculum(tiny_generator(), 3, 4),
    "dataset_distillation": lambda: teachers.DatasetDistillation((4, 4, 1), 3, 3, 4),
    "real_data": lambda: teachers.RealData(IMAGES, LABELS, 3, 3, 4),
}
RANDOM = {"no_curriculum", "all_shuffled", "shuffled_batch", "real_data"}
SEED, OTHER = tf.constant([0, 1]), tf.constant([0, 2])


@pytest.mark.parametrize("name", MAKERS)
def test_batches(name):
    teacher = MAKERS[name]()
    images, labels = teacher.batches(SEED)
    assert images.shape == [3, 4, 4, 4, 1] and images.dtype == tf.float32
    assert labels.shape == [3, 4] and labels.dtype == tf.int32
    again, _ = teacher.batches(SEED)
    np.testing.assert_array_equal(images, again)
    other, _ = teacher.batches(OTHER)
    assert np.allclose(images, other) == (name not in RANDOM)
    one, its_labels = teacher.batch(tf.constant(1), SEED)
    np.testing.assert_allclose(one, images[1], atol=1e-5)
    np.testing.assert_array_equal(its_labels, labels[1])


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_learned_has_a_gradient(name):
    teacher = MAKERS[name]()
    with tf.GradientTape() as tape:
        images, _ = teacher.batches(SEED)
        loss = tf.reduce_sum(images**3)
    gradients = tape.gradient(loss, teacher.trainable_variables)
    assert all(g is not None for g in gradients)
    assert bool(gradients) == (name != "real_data")


def test_real_data_keeps_labels_with_images():
    images, labels = MAKERS["real_data"]().batches(SEED)
    for image, label in zip(images.numpy().reshape([-1, 16]), labels.numpy().ravel()):
        assert int(image[0]) // 16 % 3 == label


def test_shuffled_batch_draws_whole_batches():
    teacher = MAKERS["shuffled_batch"]()
    stored = teacher.latents.numpy().tolist()
    latents, labels = teacher.inputs(SEED)
    for batch, its_labels in zip(latents.numpy().tolist(), labels.numpy()):
        place = stored.index(batch)
        np.testing.assert_array_equal(its_labels, teacher.even_labels()[place])


def test_all_shuffled_keeps_labels_with_latents():
    teacher = MAKERS["all_shuffled"]()
    stored = teacher.latents.numpy().reshape([12, 2]).tolist()
    latents, labels = teacher.inputs(SEED)
    for latent, label in zip(latents.numpy().reshape([12, 2]), labels.numpy().ravel()):
        assert stored.index(latent.tolist()) % 3 == label


def test_labels_go_round_over_all_steps():
    labels = MAKERS["full_curriculum"]().even_labels()
    assert labels.numpy().ravel().tolist() == [0, 1, 2] * 4


def test_latents_can_stay_as_drawn():
    generator = tiny_generator()
    teacher = teachers.FullCurriculum(generator, 3, 4, learned_latents=False)
    learned = {v.ref() for v in teacher.trainable_variables}
    assert learned == {v.ref() for v in generator.trainable_variables}


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (7, 10, 2)])
@pytest.mark.parametrize("weight_norm", [True, False])
def test_generator_of_any_shape(shape, weight_norm):
    generator = Generator(shape, 10, 4, 8, 2, weight_norm)
    z = 5 * tf.random.stateless_normal([6, 4], [0, 0])
    images = generator((z, tf.range(6)), training=True)
    assert images.shape == [6, *shape]
    assert np.abs(images).max() <= 2
    again = Generator.from_config(generator.get_config())
    again.set_weights(generator.get_weights())
    np.testing.assert_array_equal(again((z, tf.range(6))), generator((z, tf.range(6))))


def test_each_batch_of_a_curriculum_has_its_own_statistics():
    generator = tiny_generator()
    z = tf.random.stateless_normal([3, 5, 2], [0, 0])
    labels = tf.reshape(tf.range(15) % 3, [3, 5])
    together = generator((z, labels), training=True)
    for t in range(3):
        alone = generator((z[t], labels[t]), training=True)
        np.testing.assert_allclose(together[t], alone, atol=1e-5)


def test_a_curriculum_in_parts_is_the_same():
    teacher = teachers.FullCurriculum(tiny_generator(), 6, 4)

    def run():
        with tf.GradientTape() as tape:
            images, _ = teacher.batches(SEED)
            loss = tf.reduce_sum(images**3)
        return [images, *tape.gradient(loss, teacher.trainable_variables)]

    whole = tf.function(run)()
    one = teacher.generator.activation_bytes(4)
    teacher.activation_bytes = 4 * one
    assert teacher._steps_together() == 3
    for a, b in zip(whole, tf.function(run)()):
        # Before a batch norm gradients nearly cancel, hence the absolute bound.
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(
    labels=st.lists(st.integers(0, 2), min_size=1, max_size=40),
    cut=st.integers(1, 40),
    seed=st.integers(-(2**31), 2**31 - 1),
)
@pytest.mark.parametrize("name", slow_after(3, sorted(set(MAKERS) - {"real_data"})))
def test_a_served_image_does_not_depend_on_the_other_labels(name, labels, cut, seed):
    teacher = SERVERS.setdefault(name, MAKERS[name]())
    teacher.prepare_to_serve()
    seed = tf.constant([seed, 1])
    whole = teacher.serve(tf.constant(labels), seed)
    part = teacher.serve(tf.constant(labels[:cut]), seed)
    np.testing.assert_allclose(part, whole[:cut], atol=1e-5)
    changed = [(label + 1) % 3 for label in labels]
    changed[0] = labels[0]
    np.testing.assert_allclose(
        teacher.serve(tf.constant(changed), seed)[0], whole[0], atol=1e-5
    )


SERVERS: dict[str, teachers.Teacher] = {}  # made once for all examples


def test_served_examples_are_stored_examples_of_their_label():
    teacher = MAKERS["dataset_distillation"]()
    labels = tf.constant([0, 1, 2] * 20)
    chosen = teacher.stored_example(labels, SEED).numpy()
    stored = teacher.even_labels().numpy().ravel()
    np.testing.assert_array_equal(stored[chosen], labels)
    assert len(set(chosen)) == 12  # and all of them turn up


def test_frozen_statistics_are_the_mean_over_the_curriculum():
    teacher = MAKERS["full_curriculum"]()
    teacher.prepare_to_serve()
    z, labels = teacher.inputs(SEED)
    first = teacher.generator.dense_1(
        tf.concat([z, tf.one_hot(labels, 3)], axis=-1)
    )  # [steps, batch, units]
    np.testing.assert_allclose(
        teacher.generator.norm_1.moving_mean,
        tf.reduce_mean(first, axis=[0, 1]),
        atol=1e-5,
    )


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="at least one step"):
        teachers.NoCurriculum(tiny_generator(), steps=0)
    with pytest.raises(ValueError, match="one label for each of 10 images"):
        teachers.RealData(IMAGES, LABELS[:4], 3)


@pytest.mark.parametrize("name", sorted(set(MAKERS) - {"real_data"}))
def test_config_round_trip(name):
    teacher = MAKERS[name]()
    again = type(teacher).from_config(teacher.get_config())
    again.set_weights(teacher.get_weights())
    np.testing.assert_array_equal(again.batches(SEED)[0], teacher.batches(SEED)[0])
