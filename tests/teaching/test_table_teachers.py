"""Teachers of tables: what they teach, export and score."""

from __future__ import annotations

import json

import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from conftest import slow_after
from gtn_tf.data import Augmentation, DataError
from gtn_tf.errors import ArgumentError
from gtn_tf.names import FAMILIES, LEARNERS
from gtn_tf.search import NAOSpace, ScoringData, make_scorer
from gtn_tf.shapes import with_channels
from gtn_tf.teaching import TeacherError
from gtn_tf.teaching.description import check_description

STEPS, BATCH = 4, 12
layers = tf.keras.layers


def make_teacher(kind: str, splits: gtn_tf.data.Splits) -> gtn_tf.teachers.Teacher:
    size = {"steps": STEPS, "batch_size": BATCH}
    shape, classes = splits.image_shape, splits.num_classes
    if kind == "distilled":
        teacher = gtn_tf.teachers.DatasetDistillation(
            shape, classes, soft_labels=3.0, **size
        )
        teacher.start_from(splits.train_images, splits.train_labels)
        return teacher
    generator = gtn_tf.Generator(shape, classes, latent_size=8, units=32)
    if kind == "generated":
        return gtn_tf.teachers.FullCurriculum(generator, **size)
    teacher = gtn_tf.teachers.GeneratorAndPixels(generator, soft_labels=3.0, **size)
    teacher.start_from(splits.train_images, splits.train_labels)
    return teacher


def network(features: int, classes: int) -> tf.keras.Model:
    hidden = layers.Dense(16, "relu")
    return tf.keras.Sequential(
        [layers.Input([features]), hidden, layers.Dense(classes)]
    )


def raw(splits: gtn_tf.data.Splits) -> np.ndarray:
    mean, std = np.array(splits.mean), np.array(splits.std)
    return splits.test_images.astype(np.float64) * std + mean


@pytest.mark.parametrize(
    "case",
    slow_after(
        1,
        [
            "breast_cancer distilled",
            "wine generated",
            "wine generated_and_learned",
            "wine distilled",
            "breast_cancer generated",
        ],
    ),
)
def test_a_table_is_taught(tmp_path, case):
    name, kind = case.split()
    splits = gtn_tf.data.load(name, batch_size=64)
    features, classes = splits.image_shape[0], splits.num_classes
    gtn = gtn_tf.GTN(
        make_teacher(kind, splits),
        gtn_tf.learners.MLPLearners([16]),
        gtn_tf.LearnedSGD(0.3, 0.5, steps=STEPS),
    )
    gtn.compile(optimizer=tf.keras.optimizers.Adam(1e-2))
    gtn.fit(splits.train, steps_per_epoch=40, verbose=0)
    largest = np.bincount(splits.test_labels).max() / len(splits.test_labels)
    found = gtn.evaluate(splits.test, verbose=0, return_dict=True)
    assert found["accuracy"] > max(0.85, largest + 0.1)
    with pytest.raises(ArgumentError, match=f"expected images \\[{features}\\]"):
        gtn.fit(np.zeros([9, features + 1], np.float32), np.zeros(9, int))

    gtn.export(tmp_path / "1", splits)
    teacher = gtn_tf.load_teacher(tmp_path / "1")
    assert teacher.image_shape == (features,)
    assert teacher.feature_names == [*splits.feature_names]
    assert teacher.description["resize"] is None
    assert teacher.images.shape == (STEPS, BATCH, features)
    assert np.abs(teacher.images).max() <= 2 or "_and_" in kind
    made = teacher.generate([0, 1, 0], seed=3)
    assert made.shape == (3, features) and np.isfinite(made).all()
    served = tf.saved_model.load(str(tmp_path / "1")).signatures["curriculum"]
    lesson = served(step=tf.constant(1))
    np.testing.assert_allclose(lesson["images"], teacher.images[1], rtol=1e-6)

    teacher.save_npz(tmp_path / "t.npz")
    again = gtn_tf.load_teacher(tmp_path / "t.npz")
    assert again.digest == teacher.digest
    table = raw(splits)
    for found in (
        again.preprocess(table),
        again.normalise(table),
        again.normalise(tf.constant(table)),
        next(iter(tf.data.Dataset.from_tensors(table).map(again.normalise))),
    ):
        np.testing.assert_allclose(found, splits.test_images, atol=1e-5)
    model = network(features, classes)
    history = gtn_tf.teach(
        model,
        again,
        validation_data=(again.preprocess(table), splits.test_labels),
    )
    assert history.history["val_accuracy"][-1] > largest + 0.1


@pytest.fixture(scope="module")
def distilled(tmp_path_factory):
    """An untrained teacher that started from real lines, and its data."""
    splits = gtn_tf.data.load("wine", batch_size=32)
    teacher = make_teacher("distilled", splits)
    gtn = gtn_tf.GTN(
        teacher,
        gtn_tf.learners.MLPLearners([4]),
        gtn_tf.LearnedSGD(0.1, 0.5, steps=STEPS),
    )
    path = tmp_path_factory.mktemp("distilled") / "1"
    gtn.export(path, splits)
    return gtn_tf.load_teacher(path), splits


def test_what_a_teacher_of_tables_refuses(distilled):
    teacher, splits = distilled
    table = raw(splits)
    for wrong in (table[:, 1:], table[0, 0], np.zeros([2, 8, 8, 1])):
        with pytest.raises(TeacherError, match=r"expected images \[13\]"):
            teacher.normalise(wrong)
    table[2, 3] = np.nan
    with pytest.raises(TeacherError, match="expected finite numbers"):
        teacher.normalise(table)
    with pytest.raises(DataError, match="the first in row 2, column 3"):
        teacher.preprocess(table)
    with pytest.raises(DataError, match=r"expected numbers \[n, features\]"):
        teacher.preprocess(raw(splits)[0])
    with pytest.raises(ArgumentError, match="pixel_max: expected none for a table"):
        teacher.preprocess(raw(splits), pixel_max=255)
    with pytest.raises(ArgumentError, match=r"expected images \[13\]"):
        with_channels(np.zeros([9, 8, 8, 13]), (13,))


def test_descriptions_of_tables(distilled):
    about = json.loads(json.dumps(distilled[0].description))
    far = {"mean": [1e9] * 13, "std": [1e-9] * 13}  # in some unit
    assert check_description({**about, "normalization": far})
    for change, problem in (
        ({"image_shape": [13, 1]}, "image_shape to be three integers"),
        ({"image_shape": [12]}, "each of 12 features"),
        ({"feature_names": ["a"]}, "feature_names to be none or 13, received 1"),
        ({"feature_names": ["\n"] * 13}, "list of printable names"),
        ({"augmentation": {"shift": 1, "mirror": False, "cutout": 0}}, "pictures"),
        ({"normalization": {"mean": [1e31] * 13, "std": [1] * 13}}, "normalization"),
    ):
        with pytest.raises(ArgumentError, match=problem):
            check_description({**about, **change})
    digits = gtn_tf.load_teacher("digits").description
    with pytest.raises(ArgumentError, match="of pixels from 0 to 1"):
        check_description({**digits, "normalization": {"mean": [1e9], "std": [1]}})


class Dense(keras_tuner.HyperModel):
    """A user's own space of dense networks."""

    def build(self, hp):
        units = hp.Int("units", 64, 96, step=8)
        return tf.keras.Sequential(
            [layers.Input([13]), layers.Dense(units, "relu"), layers.Dense(3)]
        )


@pytest.mark.parametrize(
    "name",
    slow_after(
        4,
        ["gtn_tse", "flops", "naswot", "synflow", "real", "params", "gtn", "real_tse"],
    ),
)
def test_dense_networks_are_scored(distilled, name):
    teacher, splits = distilled
    train = splits.train_images[:32], splits.train_labels[:32]
    validation = splits.validation_images, splits.validation_labels
    data = ScoringData(train, validation, batch_size=8)
    scorer = make_scorer(name, teacher=teacher, steps=3)
    space, hp = Dense(), keras_tuner.HyperParameters()
    found = scorer(lambda: space.build(hp), data, 0)
    assert np.isfinite(found)
    weights, biases = 13 * 64 + 64 * 3, 64 + 3
    exact = {"params": weights + biases, "flops": 2 * weights + biases}
    assert found == exact.get(name, found)


def test_learners_of_tables():
    assert [m.output_shape for m in gtn_tf.learners.MLPLearners().build((13,), 3)] == [
        (None, 3)
    ]
    for family in {*FAMILIES} - {"mlp"}:
        kind = FAMILIES.load(family)
        with pytest.raises(ArgumentError, match="expected pictures, .* 13 features"):
            kind().build((13,), 3)
    for name in {*LEARNERS} - {"mlp"}:
        with pytest.raises(ArgumentError, match=f"learner {name}: expected pictures"):
            gtn_tf.learners.named_learner(name, (13,), 3)
    with pytest.raises(ArgumentError, match="NAOSpace: expected pictures"):
        NAOSpace((13,), 3)
    with pytest.raises(ArgumentError, match="augmentation: expected pictures"):
        Augmentation(mirror=True).check((13,))


def test_the_generator_of_tables_is_dense():
    generator = gtn_tf.Generator((13,), num_classes=3, latent_size=5, units=7)
    kernels = [v.shape for v in generator.trainable_variables if v.shape.rank == 2]
    assert sorted(map(tuple, kernels)) == sorted([(8, 7), (7, 7), (7, 13)])
    again = gtn_tf.Generator.from_config(generator.get_config())
    again.set_weights(generator.get_weights())
    inputs = tf.random.normal([2, 4, 5]), tf.constant([[0, 1, 2, 0]] * 2)
    images = generator(inputs)
    assert images.shape == [2, 4, 13] and np.abs(images).max() <= 2
    np.testing.assert_array_equal(again(inputs), images)
    assert generator.activation_bytes(10) > 0
