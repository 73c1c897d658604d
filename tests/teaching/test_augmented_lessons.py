"""A trained teacher whose learners see augmented lessons."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from conftest import real_batches
from gtn_tf import Augmentation
from gtn_tf.evaluation import shuffled
from gtn_tf.precision import precision
from gtn_tf.run_files import RunError
from gtn_tf.runs.evaluate import evaluate
from gtn_tf.search import GTNScorer, NASBench201Space, ScoringData
from gtn_tf.search.candidate import Candidate
from gtn_tf.teaching import TeacherError, load_teacher, teach
from gtn_tf.teaching.description import read_description
from tiny_teacher import BATCH, CLASSES, SHAPE, STEPS, make_teacher

layers = tf.keras.layers
ALL = Augmentation(shift=1, mirror=True, cutout=2)


def augmented_teacher(**changes):
    about = {"augmentation": ALL.get_config(), **changes}
    return make_teacher(description=about)


def with_batch_norm():
    return tf.keras.Sequential(
        [
            *(layers.Input(SHAPE), layers.Conv2D(4, 3, use_bias=False)),
            *(layers.BatchNormalization(), layers.Flatten(), layers.Dense(CLASSES)),
        ]
    )


def images_of(dataset):
    return np.stack([images for images, _ in dataset.as_numpy_iterator()])


def test_the_export_carries_the_augmentation(tiny_gtn, tmp_path):
    gtn = tiny_gtn(augmentation=ALL)
    gtn.fit(real_batches(), steps_per_epoch=1, verbose=0)
    gtn.export(tmp_path / "1")
    teacher = load_teacher(tmp_path / "1")
    assert teacher.augmentation == ALL
    assert teacher.description["augmentation"] == ALL.get_config()
    teacher.save_npz(tmp_path / "teacher.npz")
    assert load_teacher(tmp_path / "teacher.npz").augmentation == ALL
    # What is stored is not augmented: the curriculum, its arrays and new images.
    images, _ = gtn.teacher.batches(tf.constant([0, 0]))
    np.testing.assert_allclose(teacher.images, images, atol=1e-5)
    served = tf.saved_model.load(tmp_path / "1").signatures["curriculum"]
    lesson = served(step=tf.constant(1))["images"]
    np.testing.assert_allclose(lesson, images[1], atol=1e-5)


def test_earlier_teachers_have_none():
    teacher = make_teacher()
    assert "augmentation" not in teacher.description
    assert teacher.augmentation.is_none


@pytest.mark.parametrize(
    "found, message",
    [
        (3, "expected augmentation to be null, or an object with shift, mirror and"),
        ({"shift": 1}, "expected augmentation to be null, or an object with shift"),
        ({**ALL.get_config(), "rotate": 1}, "expected augmentation to be null, or an"),
        ({**ALL.get_config(), "shift": "1"}, "augmentation.shift: expected an integer"),
        ({**ALL.get_config(), "mirror": 0}, "augmentation.mirror: expected true or"),
        ({**ALL.get_config(), "cutout": 2**60}, "augmentation.cutout: expected below"),
    ],
)
def test_other_descriptions_are_refused(found, message):
    with pytest.raises(TeacherError, match=message) as caught:
        augmented_teacher(augmentation=found)
    assert "\n" not in str(caught.value)
    about = {**augmented_teacher().description, "augmentation": found}
    with pytest.raises(ValueError, match=message):  # as a file's
        read_description(json.dumps(about))
    assert augmented_teacher(augmentation=None).augmentation.is_none


def test_each_lesson_has_a_draw_of_its_own():
    teacher = augmented_teacher()
    images, labels = teacher.lessons(seed=3)
    steps, seed = tf.range(STEPS), tf.constant([0, 3])
    np.testing.assert_array_equal(images, ALL(teacher.images, seed, steps))
    np.testing.assert_array_equal(labels, teacher.labels)
    data = teacher.as_dataset(seed=3)
    assert int(data.cardinality()) == STEPS
    for _ in range(2):  # the same whenever it is read
        np.testing.assert_array_equal(images_of(data), images)
    assert not np.array_equal(images_of(teacher.as_dataset()), images)
    longer = teacher.as_dataset(seed=3, epochs=2)
    found = images_of(longer)
    np.testing.assert_array_equal(found[:STEPS], images)
    assert not np.array_equal(found[STEPS:], images)
    repeated = teacher.repeated(2 * STEPS)
    np.testing.assert_array_equal(images_of(repeated.as_dataset(seed=3)), found)
    labels = np.stack([labels for _, labels in longer.as_numpy_iterator()])
    np.testing.assert_array_equal(labels, np.tile(teacher.labels, [2, 1]))


def test_soft_labels_stay_with_their_lessons():
    shares = np.random.default_rng(1).dirichlet([1] * CLASSES, [STEPS, BATCH])
    about = {"augmentation": ALL.get_config()}
    teacher = make_teacher(description=about, labels=shares.astype(np.float32))
    images, labels = teacher.lessons(seed=3)
    np.testing.assert_array_equal(images, augmented_teacher().lessons(seed=3)[0])
    data = teacher.as_dataset(seed=3)
    for found in (labels, [labels for _, labels in data.as_numpy_iterator()]):
        np.testing.assert_array_equal(found, teacher.labels)


def test_without_augmentation_the_lessons_are_the_arrays():
    teacher = make_teacher()
    images, labels = teacher.lessons(seed=3)
    np.testing.assert_array_equal(images, teacher.images)
    np.testing.assert_array_equal(labels, teacher.labels)
    assert teacher.digest != augmented_teacher().digest


def test_teach_gives_augmented_lessons():
    """Against `fit` on the lessons as arrays, each epoch with draws of its own."""
    teacher = augmented_teacher()
    weights = with_batch_norm().get_weights()

    def taught(seed, epochs=2):
        model = with_batch_norm()
        model.set_weights(weights)
        history = teach(model, teacher, seed=seed, epochs=epochs, verbose=0)
        assert len(history.history["loss"]) == epochs
        assert int(model.optimizer.iterations) == epochs * STEPS
        return model.get_weights()

    found = taught(seed=5)
    for a, b in zip(found, taught(seed=5)):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(found[0], taught(seed=6)[0])

    plain = make_teacher(images=teacher.lessons(5)[0])
    by_hand = with_batch_norm()
    by_hand.set_weights(weights)
    teach(by_hand, plain, verbose=0)
    for a, b in zip(taught(seed=5, epochs=1), by_hand.get_weights()):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.slow
def test_scores_of_both_kinds_see_the_same_lessons():
    """A network trained by Keras, and as a part of a super-network."""
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(30, *SHAPE)), rng.integers(0, CLASSES, 30)
    data, found = ScoringData(None, (images, labels)), []
    with precision("float64"):
        space = NASBench201Space(SHAPE, CLASSES, cells=0, filters=2)
        network = space.supernetwork
        genotype = space.sample(rng)
        code = network.encode(genotype)
        fresh = network.fresh_statistics(code)
        for teacher in (augmented_teacher(), make_teacher()):
            scorer = GTNScorer(teacher, steps=STEPS)
            for seed in (3, 4):
                weights = network.fresh_weights(code, tf.constant([seed, 0]))
                alone = Candidate(lambda: network.extract(genotype, weights, fresh))  # noqa: B023 (called at once)
                scores = scorer.scores(space.candidate(genotype), data, seed)
                assert scores == pytest.approx(scorer.scores(alone, data, seed))
                found.append(scores["gtn_tse"])
    assert len({*found}) == 4


def test_shuffled_lessons_are_augmented_before():
    teacher = augmented_teacher()
    order = np.random.default_rng([0, 1]).permutation(STEPS)
    images, labels = shuffled(teacher, 1)
    np.testing.assert_array_equal(images, teacher.lessons(1)[0][order])
    np.testing.assert_array_equal(labels, teacher.labels[order])


def test_an_evaluation_gives_each_learner_its_own_draws(tmp_path):
    digits, plain = gtn_tf.data.load("digits"), load_teacher("digits").repeated(3)
    about = {**plain.description, "augmentation": ALL.get_config()}
    augmented = dataclasses.replace(plain, description=about)
    # Of the augmentation alone: the same lessons, and the same fresh weights.
    by_hand = dataclasses.replace(plain, images=augmented.lessons(0)[0])
    settings = {"learners": 1, "every": 1, "sources": ("teacher",)}
    curves = []
    for name, teacher in {"a": augmented, "b": by_hand, "c": plain}.items():
        evaluate(teacher, digits, "mlp", tmp_path / name, **settings)
        curves.append((tmp_path / name / "curves.csv").read_text())
    assert curves[0] == curves[1] != curves[2]
    with pytest.raises(RunError, match="has an evaluation with teacher"):
        evaluate(plain, digits, "mlp", tmp_path / "a", **settings)
