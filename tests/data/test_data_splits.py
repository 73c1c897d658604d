"""Splits and streams: what is held out, what normalises, what resumes exactly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from gtn_tf import data
from gtn_tf.data.named_augmentation import augment_images
from gtn_tf.data.normalisation import channel_statistics
from gtn_tf.data.order import shuffled_batches
from gtn_tf.names import AUGMENTATIONS


@pytest.fixture(autouse=True)
def no_data_folder(monkeypatch, request):
    if "real_data" not in request.fixturenames:
        monkeypatch.delenv("GTN_TF_DATA", raising=False)


@pytest.fixture
def cifar(tmp_path):
    """A folder with 60 training and 20 test images in the shape of CIFAR-10."""
    random = np.random.default_rng(0)
    contents = {}
    for part, count in (("train", 60), ("test", 20)):
        pixels = random.integers(0, 256, [count, 32, 32, 3], dtype=np.uint8)
        contents |= {f"x_{part}": pixels, f"y_{part}": np.arange(count) % 10}
    np.savez(tmp_path / "cifar10.npz", **contents)
    return tmp_path


def rows(images: np.ndarray) -> set[bytes]:
    return {image.tobytes() for image in images}


def batches(stream: tf.data.Dataset, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return list(stream.take(count).as_numpy_iterator())


def assert_same(first, second) -> None:
    for (images, labels), (other_images, other_labels) in zip(first, second):
        np.testing.assert_array_equal(images, other_images)
        np.testing.assert_array_equal(labels, other_labels)


# Splits


def test_digits():
    digits = data.load()
    assert digits.name == "digits" and digits.image_shape == (8, 8, 1)
    assert digits.num_classes == 10 and digits.class_names == tuple("0123456789")
    sizes = [len(digits.train_labels), len(digits.validation_labels)]
    assert [*sizes, len(digits.test_labels)] == [1257, 180, 360]
    assert set(np.bincount(digits.test_labels)) <= {35, 36, 37}
    assert set(np.bincount(digits.validation_labels)) <= {17, 18, 19}
    assert digits.train_images.dtype == np.float32
    assert digits.train_labels.dtype == np.int32
    assert "train_images" not in repr(digits)


def test_resized_images_are_means_over_areas():
    stored, half = data.load(), data.load(image_size=4)
    assert half.image_shape == half.test_images.shape[1:] == (4, 4, 1)
    np.testing.assert_array_equal(half.test_labels, stored.test_labels)

    def pixels(splits: data.Splits) -> np.ndarray:  # 0 to 16
        return 16 * (splits.test_images * splits.std[0] + splits.mean[0])

    means = pixels(stored).reshape(-1, 4, 2, 4, 2, 1).mean(axis=(2, 4))
    assert np.abs(pixels(half) - means).max() <= 0.501  # stored as integers
    np.testing.assert_array_equal(
        data.load(image_size=8).test_images, stored.test_images
    )


def test_splits_are_disjoint_and_cover_everything(cifar):
    splits = data.load("cifar10", data_dir=cifar, batch_size=8, validation_size=20)
    parts = [splits.train_images, splits.validation_images, splits.test_images]
    assert [len(part) for part in parts] == [40, 20, 20]
    assert len(rows(np.concatenate(parts))) == 80


def test_same_seed_same_splits_and_another_seed_others():
    first, again, other = (data.load(seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.train_images, again.train_images)
    np.testing.assert_array_equal(first.validation_labels, again.validation_labels)
    assert not np.array_equal(first.validation_labels, other.validation_labels)
    assert_same(batches(first.train, 3), batches(again.train, 3))


def test_the_test_split_does_not_depend_on_the_seed():
    pixels = []
    for seed in (0, 1):
        splits = data.load(seed=seed)
        pixels.append(np.round(16 * (splits.test_images * splits.std + splits.mean)))
    np.testing.assert_array_equal(*pixels)


def test_normalised_by_training_statistics_only(cifar):
    splits = data.load("cifar10", data_dir=cifar, batch_size=8, validation_size=20)
    channels = (0, 1, 2)
    np.testing.assert_allclose(splits.train_images.mean(channels), 0, atol=1e-4)
    np.testing.assert_allclose(splits.train_images.std(channels), 1, atol=1e-4)
    assert np.abs(splits.test_images.mean(channels)).max() > 1e-3
    with np.load(cifar / "cifar10.npz") as npz:
        test = npz["x_test"] / 255
    expected = (test - splits.mean) / splits.std
    np.testing.assert_allclose(splits.test_images, expected, atol=1e-5)


def test_channel_statistics():
    images = np.random.default_rng(0).integers(0, 256, [9, 4, 5, 3], dtype=np.uint8)
    mean, std = channel_statistics(images)
    np.testing.assert_allclose(mean, images.mean((0, 1, 2)))
    np.testing.assert_allclose(std, images.std((0, 1, 2)))


def test_evaluation_streams_are_finite_and_in_order():
    digits = data.load(validation_size=600)
    for stream, expected in (
        (digits.validation, digits.validation_labels),
        (digits.test, digits.test_labels),
    ):
        labels = np.concatenate([y for _, y in stream.as_numpy_iterator()])
        np.testing.assert_array_equal(labels, expected)
    assert [len(y) for _, y in digits.validation] == [500, 100]


# Wrong arguments


def test_unknown_name():
    with pytest.raises(ValueError, match="digits, mnist.*'Cifar-10'.*mean cifar10"):
        data.load("Cifar-10")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"batch_size": 1258}, "between 1 and 1257.*received 1258"),
        ({"batch_size": 0}, "received 0"),
        ({"validation_size": 5}, "validation_size=5 of the 1437"),
        ({"validation_size": 0}, "validation_size=0 of the 1437"),
        ({"validation_size": 2000}, "validation_size=2000 of the 1437"),
        ({"seed": -1}, "seed must be between 0"),
        ({"augment": ["mirror"]}, r"no mirror for digits.*\(those of cifar10 may\)"),
        ({"augment": True}, r"a list of some of shift.*or \[\] for none, received Tru"),
        ({"augment": "shift"}, "a list of some of shift, mirror.*received 'shift'"),
        ({"augment": ["rotat"]}, "augment: expected one of shift.*mean rotate"),
        ({"augment": ["shift"] * 2}, "each name once, received shift twice"),
        ({"image_size": 0}, "between 1 and 1024, received 0"),
    ],
)
def test_wrong_arguments(arguments, expected):
    with pytest.raises(ValueError, match=expected) as caught:
        data.load("digits", **arguments)
    assert "\n" not in str(caught.value)


def test_start_must_not_be_negative():
    with pytest.raises(ValueError, match="received -1"):
        data.load().train_batches(-1)


def test_images_all_alike_are_refused(tmp_path):
    x, y = np.zeros([40, 28, 28], np.uint8), np.arange(40) % 10
    np.savez(tmp_path / "mnist.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    with pytest.raises(data.DataError, match="expected training images that differ"):
        data.load("mnist", data_dir=tmp_path, validation_size=10)


# The training stream


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 12), st.data(), st.integers(0, 2**32 - 1))
def test_each_pass_visits_every_position_once(count, draw, seed):
    batch_size = draw.draw(st.integers(1, count))
    start = draw.draw(st.integers(0, 9))
    stream = shuffled_batches(count, batch_size, seed)
    pairs = list(stream.take(start + count).as_numpy_iterator())
    positions = np.concatenate([batch for _, batch in pairs])
    for i in range(0, len(positions) - count + 1, count):
        assert sorted(positions[i : i + count]) == list(range(count))
    resumed = shuffled_batches(count, batch_size, seed, start).take(count)
    for pair, other in zip(pairs[start:], resumed.as_numpy_iterator()):
        assert pair[0] == other[0]
        np.testing.assert_array_equal(pair[1], other[1])


def test_passes_differ():
    first, second = shuffled_batches(100, 100, 0).take(2).as_numpy_iterator()
    assert not np.array_equal(first[1], second[1])


def test_the_stream_is_endless_and_its_batches_are_full():
    digits = data.load(batch_size=500)
    assert digits.train.cardinality() == tf.data.INFINITE_CARDINALITY
    assert {labels.shape for _, labels in batches(digits.train, 7)} == {(500,)}
    assert digits.train.element_spec[0].shape == (500, 8, 8, 1)


def test_labels_belong_to_their_images():
    digits = data.load(batch_size=1257)
    ((images, labels),) = batches(digits.train, 1)
    known = {
        image.tobytes(): label
        for image, label in zip(digits.train_images, digits.train_labels)
    }
    assert [known[image.tobytes()] for image in images] == labels.tolist()


@pytest.mark.parametrize("augment", [(), AUGMENTATIONS])
def test_skipping_resumes_exactly(cifar, augment):
    splits = data.load(
        "cifar10", data_dir=cifar, batch_size=16, validation_size=20, augment=augment
    )
    whole = batches(splits.train, 12)
    assert_same(whole[7:], batches(splits.train.skip(7), 5))
    tf.random.set_seed(99)  # Which must not matter.
    assert_same(whole[7:], batches(splits.train_batches(7), 5))
    assert_same(whole[9:], batches(splits.train_batches(4).skip(5), 3))


RESUME = """
import sys
import numpy as np
from gtn_tf import data
folder, result = sys.argv[1:]
splits = data.load(
    "cifar10", data_dir=folder, batch_size=16, validation_size=20,
    augment=["shift", "mirror", "rotate", "colour"]
)
images, labels = next(iter(splits.train_batches(7)))
np.savez(result, images=images, labels=labels)
"""


def test_another_process_resumes_exactly(cifar, tmp_path):
    subprocess.run(
        [sys.executable, "-c", RESUME, str(cifar), str(tmp_path / "theirs.npz")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    splits = data.load(
        "cifar10",
        data_dir=cifar,
        batch_size=16,
        validation_size=20,
        augment=["shift", "mirror", "rotate", "colour"],
    )
    with np.load(tmp_path / "theirs.npz") as theirs:
        ours = batches(splits.train, 8)[7:]
        assert_same(ours, [(theirs["images"], theirs["labels"])])


def test_opening_the_stream_far_in_makes_no_earlier_batch():
    digits = data.load(batch_size=1)
    # A million skipped batches would take minutes if they were made.
    ((images, _),) = batches(digits.train_batches(10**6), 1)
    assert images.shape == (1, 8, 8, 1)


# Augmentation


def augmented(images, *names, seed=0, step=3, mean=(0.5,), std=(0.25,)):
    images, step = tf.convert_to_tensor(images), tf.constant(step, tf.int64)
    return augment_images(images, names, mean, std, seed, step)


def test_augmentation_moves_and_mirrors():
    images = np.random.default_rng(0).normal(size=[400, 9, 13, 2]).astype(np.float32)
    padded = np.pad(images, [(0, 0), (4, 4), (4, 4), (0, 0)])
    seen = {}
    for names in (("shift", "mirror"), ("mirror",), ("shift",)):
        seen[names] = set()
        for source, result in zip(padded, augmented(images, *names).numpy()):
            crops = {
                source[row : row + 9, column : column + 13][:, ::step].tobytes(): (
                    max(abs(row - 4), abs(column - 4)),
                    step,
                )
                for row in range(9)
                for column in range(9)
                for step in (1, -1)
            }
            seen[names].add(crops[result.tobytes()])
    # A quarter of 9 pixels.
    assert seen["shift", "mirror"] == {(n, step) for n in range(3) for step in (1, -1)}
    assert seen["mirror",] == {(0, 1), (0, -1)}
    assert seen["shift",] == {(0, 1), (1, 1), (2, 1)}


def test_shift_and_mirror_are_those_of_earlier_versions():
    """So that their runs go on with the same weights."""
    images = tf.random.stateless_normal([8, 16, 20, 3], [0, 0])
    key = tf.constant([2 * 5 + 1, 3], tf.int64)
    down, across, mirror = tf.random.stateless_uniform([3, 8, 1], key)[..., 0].numpy()
    padded = np.pad(images, [(0, 0), (4, 4), (4, 4), (0, 0)])
    for n, found in enumerate(augmented(images, "mirror", "shift", seed=5).numpy()):
        row, column = int(9 * down[n]), int(9 * across[n])
        crop = padded[n, row : row + 16, column : column + 20]
        np.testing.assert_array_equal(found, crop[:, ::-1] if mirror[n] < 0.5 else crop)


def test_rotation_turns_around_the_centre():
    # A bright dot in the centre stays; one beside it moves on a circle.
    images = np.zeros([200, 31, 41, 1], np.float32)
    images[:, 15, 20] = 1
    images[:, 15, 38] = 1
    found = augmented(images, "rotate").numpy()[..., 0]
    np.testing.assert_allclose(found[:, 15, 20], 1, atol=1e-4)
    found[:, 14:17, 19:22] = 0
    rows, columns = np.mgrid[:31, :41]
    weight = found.sum(axis=(1, 2))
    down = (found * (rows - 15)).sum(axis=(1, 2)) / weight
    right = (found * (columns - 20)).sum(axis=(1, 2)) / weight
    np.testing.assert_allclose(np.hypot(down, right), 18, atol=0.5)
    angles = np.degrees(np.arctan2(down, right))
    assert -15.5 < angles.min() < -13 and 13 < angles.max() < 15.5


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_colour_changes_brightness_contrast_and_saturation(channels):
    mean, std = np.linspace(0.4, 0.6, channels), np.linspace(0.1, 0.2, channels)
    pixels = np.random.default_rng(0).uniform(0.45, 0.55, [50, 5, 6, channels])
    images = tf.constant((pixels - mean) / std, tf.float32)
    found = augmented(images, "colour", mean=mean, std=std).numpy() * std + mean
    key = tf.random.experimental.stateless_fold_in(tf.constant([1, 3], tf.int64), 3)
    drawn = tf.random.stateless_uniform([3, 50, 1, 1, 1], key, -0.2, 0.2).numpy()
    assert drawn.max() > 0.15 and drawn.min() < -0.15
    average = pixels.mean(axis=(1, 2), keepdims=True)
    expected = drawn[0] + average + (1 + drawn[1]) * (pixels - average)
    if channels == 3:
        # Keras' and TensorFlow's grey; grey pictures have no saturation.
        grey = tf.image.rgb_to_grayscale(expected).numpy()
        expected = grey + (1 + drawn[2]) * (expected - grey)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_colours_stay_within_the_range_of_pixels():
    images = tf.constant([0.0, 1.0] * 48, shape=[12, 2, 4, 1])
    found = augmented(images, "colour", mean=[0], std=[1]).numpy()
    assert found.min() == 0 and found.max() == 1


def test_augmentation_changes_training_batches_only(cifar):
    plain, augmented = (
        data.load("cifar10", data_dir=cifar, batch_size=20, validation_size=20,
                  augment=augment)
        for augment in ((), ("shift", "mirror"))
    )  # fmt: skip
    (images, labels), (moved, same_labels) = (
        batches(splits.train, 1)[0] for splits in (plain, augmented)
    )
    np.testing.assert_array_equal(labels, same_labels)
    assert not np.array_equal(images, moved)
    assert rows(batches(augmented.validation, 1)[0][0]) <= rows(plain.validation_images)


def test_augmentation_differs_from_step_to_step():
    images = 0.1 * tf.random.stateless_normal([8, 9, 9, 1], [0, 0])
    for name in AUGMENTATIONS:
        first, second = (augmented(images, name, step=step) for step in (0, 1))
        assert not np.array_equal(first, second)


# tensorflow-datasets


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_tensorflow_datasets(name):
    tfds = pytest.importorskip("tensorflow_datasets")
    with tfds.testing.mock_data(num_examples=200):
        splits = data.load(name, validation_size=50)
    assert splits.train_images.shape == (150, *splits.image_shape)
    assert splits.test_images.shape == (200, *splits.image_shape)


def test_offline(monkeypatch):
    tfds = pytest.importorskip("tensorflow_datasets")

    def refuse(*_, **__):
        raise ConnectionError("no route to host\nand much more")

    monkeypatch.setattr(tfds, "load", refuse)
    with pytest.raises(data.DataError) as caught:
        data.load("fashion_mnist")
    text = str(caught.value)
    for part in ("ConnectionError: no route to host;", "train-images-idx3-ubyte",
                 "--data-dir or GTN_TF_DATA", "zalandoresearch"):  # fmt: skip
        assert part in text
    assert "\n" not in text


def test_tensorflow_datasets_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(data.DataError, match="cifar10.npz in a folder.*GTN_TF_DATA"):
        data.load("cifar10")


# The real files


@pytest.fixture
def real_data():
    beside = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("GTN_TF_DATA") or beside)
    if not folder.is_dir():
        pytest.skip("no folder with the real files")
    return folder


@pytest.mark.parametrize(
    ("name", "mean"), [("mnist", 0.1307), ("fashion_mnist", 0.2860)]
)
def test_real_grey_files(real_data, name, mean):
    if not (real_data / name).is_dir():
        pytest.skip(f"no real files of {name}")
    splits = data.load(name, data_dir=real_data)
    assert len(splits.train_images) == 50_000
    assert len(splits.validation_labels) == len(splits.test_labels) == 10_000
    np.testing.assert_allclose(splits.mean, mean, atol=1e-3)


def test_environment_variable_names_the_folder(cifar, monkeypatch):
    monkeypatch.setenv("GTN_TF_DATA", str(cifar))
    assert data.load("cifar10", batch_size=8, validation_size=20).name == "cifar10"
