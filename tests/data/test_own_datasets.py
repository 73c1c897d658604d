"""`tf.data.Dataset`s of a user's own: forms of elements; errors of one line."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from gtn_tf import data

RANDOM = np.random.default_rng(0)
BYTES = RANDOM.integers(0, 256, [40, 6, 4, 3], dtype=np.uint8)
CLASSES = np.arange(40) % 2
ARRAYS = "train_images train_labels validation_images test_images test_labels".split()


def pairs(images=BYTES, labels=CLASSES) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((images, labels))


def generated(elements, *specs) -> tf.data.Dataset:
    return tf.data.Dataset.from_generator(lambda: elements, output_signature=specs)


ANY = tf.TensorSpec(None, tf.uint8), tf.TensorSpec(None, tf.int64)
ONE_HOT = np.eye(2, dtype=np.float32)[CLASSES]


@pytest.mark.parametrize(
    "dataset",
    [
        pairs(),
        pairs().batch(7),
        pairs().batch(8, drop_remainder=True),
        pairs(labels=CLASSES[:, np.newaxis]),
        pairs(labels=ONE_HOT),
        pairs(labels=ONE_HOT).batch(7),
        pairs(labels=ONE_HOT.astype(bool)).batch(8, drop_remainder=True),
        pairs().filter(lambda image, label: True),  # of unknown length
        generated([*zip(BYTES, CLASSES)], *ANY),
        generated([(BYTES[:30], CLASSES[:30]), (BYTES[30:], CLASSES[30:])], *ANY),
    ],
)
def test_every_form_is_as_from_arrays(dataset):
    expected = data.from_arrays(BYTES, CLASSES, seed=3)
    found = data.from_datasets(dataset, seed=3)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert found.class_names == ("0", "1") and found.mean == expected.mean


@pytest.mark.parametrize("batch", [0, 7])
def test_grey_images_without_channels_and_text(batch):
    names = np.array(["cat", "mouse"])[CLASSES]
    dataset = pairs(BYTES[..., 0], names)
    found = data.from_datasets(dataset.batch(batch) if batch else dataset)
    assert found.image_shape == (6, 4, 1) and found.class_names == ("cat", "mouse")
    expected = data.from_arrays(BYTES[..., 0], names)
    np.testing.assert_array_equal(found.train_labels, expected.train_labels)


def test_all_parts_and_options():
    floats = pairs((BYTES / 255).astype(np.float32))
    found = data.from_datasets(
        floats.take(20), floats.skip(20).take(8).batch(3), floats.skip(28),
        name="mine", class_names=["a", "b"], image_size=3, batch_size=5, seed=1,
    )  # fmt: skip
    assert [len(getattr(found, name)) for name in ARRAYS] == [20, 20, 8, 12, 12]
    assert found.name == "mine" and found.class_names == ("a", "b")
    assert next(iter(found.train))[0].shape == (5, 3, 3, 3)


MIXED = [(BYTES[0], 0), (BYTES[1], 1), (BYTES[0, :5], 0)]


@pytest.mark.parametrize(
    "dataset, message",
    [
        (BYTES, "train: expected a tf.data.Dataset, received ndarray"),
        (None, "train: expected a tf.data.Dataset, received NoneType"),
        (pairs().repeat(), "an end, received an infinite one; leave Dataset.repeat"),
        (pairs().repeat().shuffle(9).batch(4), "received an infinite one"),
        (pairs().take(0), "train: expected a dataset of images, received no element"),
        (pairs().filter(lambda image, label: False), "received no element"),
        (pairs().map(lambda image, label: image), r"pairs \(image, label\), received"),
        (pairs().map(lambda x, y: {"image": x, "label": y}), "Dataset.map makes pairs"),
        (pairs().map(lambda x, y: (x, y, 1.0)), r"pairs \(image, label\), received"),
        (pairs().ragged_batch(4).map(lambda x, y: (tf.RaggedTensor.from_row_lengths(
            x, [4]), y)), r"pairs \(image, label\), received"),
        (pairs(BYTES.reshape([40, -1])), r"received \(72,\) with labels \(\), which"),
        (pairs().batch(4).batch(2), "which are neither; reshape them"),
        (pairs(BYTES[:, :2], ONE_HOT), r"\(2, 4, 3\) with labels \(2,\), which may be"),
        (generated(MIXED, *ANY), r"one shape, received \[6, 4, 3\] and, at number 2, "),
        (generated(MIXED, *ANY).batch(3), "fails while it is read: InvalidArgumentErr"),
        (pairs(BYTES.astype(str)), "expected numbers"),
        (generated([(BYTES, CLASSES[:9])], *ANY), "batch of 40 images and 9 labels"),
    ],
)  # fmt: skip
def test_errors(dataset, message):
    with pytest.raises(data.DataError, match=message) as caught:
        data.from_datasets(dataset)
    assert "\n" not in str(caught.value)


def test_a_part_is_named():
    with pytest.raises(data.DataError, match="^test: expected a dataset with an end"):
        data.from_datasets(pairs(), test=pairs().repeat())


def test_no_end_that_tensorflow_knows_of(monkeypatch):
    monkeypatch.setattr("gtn_tf.data.datasets.MOST_IMAGES", 100)
    endless = pairs().repeat().filter(lambda image, label: True)
    with pytest.raises(data.DataError, match="at most 100 images, received more"):
        data.from_datasets(endless.batch(8))
