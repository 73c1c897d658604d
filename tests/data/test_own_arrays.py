"""Arrays of a user's own: labels, pixels, sizes and splits; errors of one line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtn_tf import data
from gtn_tf.data.class_labels import read_classes
from gtn_tf.data.labelled import LabelledImages
from gtn_tf.data.normalisation import channel_statistics
from gtn_tf.data.preparation import hold_out_share
from gtn_tf.data.resizing import resize_pixels, size_of

RANDOM = np.random.default_rng(0)
BYTES = RANDOM.integers(0, 256, [60, 6, 4, 3], dtype=np.uint8)
CLASSES = np.arange(60) % 3


def message(*arguments, **keywords) -> str:
    with pytest.raises(data.DataError) as caught:
        data.from_arrays(*arguments, **keywords)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Labels

TEXT = np.array(["cat", "dog", "ant"])[CLASSES]


@pytest.mark.parametrize(
    "labels, names",
    [
        (CLASSES, "0 1 2"),
        (CLASSES.astype(np.uint8)[:, np.newaxis], "0 1 2"),
        (CLASSES.astype(float), "0 1 2"),
        (CLASSES.tolist(), "0 1 2"),
        (10 * CLASSES - 10, "-10 0 10"),
        (np.eye(3)[CLASSES], "0 1 2"),
        (np.eye(3, dtype=bool)[CLASSES], "0 1 2"),
        (TEXT, "ant cat dog"),
        (TEXT.astype("S"), "ant cat dog"),
        (TEXT.astype(object)[:, np.newaxis], "ant cat dog"),
    ],
)
def test_labels_in_every_form(labels, names):
    splits = data.from_arrays(BYTES, labels)
    assert splits.class_names == tuple(names.split()) and splits.num_classes == 3
    assert splits.train_labels.dtype == np.int32
    found = {part: getattr(splits, f"{part}_labels") for part in ("train", "test")}
    assert [*np.bincount(found["test"])] == [4, 4, 4]  # a fifth of each class
    assert [*np.bincount(found["train"])] == [14, 14, 14]


def test_images_keep_their_labels():
    marked = np.zeros([60, 4, 4], np.uint8)
    marked[:, 0, 0] = 50 * CLASSES + 20
    splits = data.from_arrays(marked, TEXT)
    order = {"cat": 20, "dog": 70, "ant": 120}
    for part in ("train", "validation", "test"):
        images = getattr(splits, f"{part}_images") * splits.std + splits.mean
        names = [splits.class_names[n] for n in getattr(splits, f"{part}_labels")]
        np.testing.assert_allclose(
            images[:, 0, 0, 0] * 255, [order[name] for name in names], atol=1e-3
        )


def test_names_of_integers_and_text():
    names = ["x", "y", "z"]
    assert data.from_arrays(BYTES, CLASSES, class_names=names).class_names == (*"xyz",)
    turned = data.from_arrays(BYTES, TEXT, class_names=["dog", "cat", "ant"])
    assert turned.class_names == ("dog", "cat", "ant")
    np.testing.assert_array_equal(np.bincount(turned.train_labels), [14, 14, 14])


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(-5, 5) | st.integers(), min_size=2).filter(
        lambda values: len({*values}) > 1 and all(abs(x) < 2**60 for x in values)
    )
)
def test_labels_are_found_again(values):
    numbers, names = read_classes({"train": values})
    assert [int(names[n]) for n in numbers["train"]] == values


@pytest.mark.parametrize(
    "labels, problem",
    [
        (np.zeros(60, int), "at least 2 classes, received 1: '0'"),
        (
            CLASSES + 0.5,
            "expected a class for each image, as integers, text or one-hot",
        ),
        (np.where(CLASSES == 1, np.nan, CLASSES), "expected a class for each image"),
        (np.ones([60, 3]), "expected one-hot rows"),
        (np.zeros([60, 3, 1]), "expected [n] or [n, 1], or one-hot"),
        (CLASSES[:50], "expected one label per image, received 60 images and 50"),
        (np.eye(4)[CLASSES], "class '3': expected training images of each class"),
        ([None] * 60, "received object such as None"),
        (["a\x1b[2J", "b"] * 30, "expected a printable name"),
        (["", "b"] * 30, "expected a printable name"),
        (["a" * 101, "b"] * 30, "at most 100 characters"),
    ],
)
def test_labels_that_are_no_classes(labels, problem):
    assert problem in message(BYTES, labels)


def test_classes_of_other_parts():
    problem = message(BYTES, TEXT, BYTES[:2], ["dog", "cow"])
    assert problem == (
        "validation labels: expected the classes ant, cat, dog, received 'cow'"
    )
    assert "numbers in all parts" in message(BYTES, TEXT, BYTES[:2], [0, 1])
    few = {"class_names": ["a", "b"]}
    assert "expected the classes 0, 1, received 2" in message(BYTES, CLASSES, **few)
    twice = {"class_names": ["a", "b", "a"]}
    assert "each name once" in message(BYTES, CLASSES, **twice)
    assert "received images alone" in message(BYTES, TEXT, BYTES)


# Pixels


@pytest.mark.parametrize(
    "images, pixel_max",
    [
        (BYTES, 255),
        (BYTES.astype(np.int64), 255),
        (BYTES.astype(np.float64), 255),
        (BYTES / 255, 1),
        (BYTES[..., 0], 255),
        (257 * BYTES.astype(np.uint16), 65535),
        (257 * BYTES.astype(np.int32), 65535),
        (BYTES > 100, 1),
        (np.concatenate([BYTES, BYTES[..., :2]], axis=-1), 255),
    ],
)
def test_pixels_of_every_type(images, pixel_max):
    splits = data.from_arrays(images, CLASSES)
    assert splits.train_images.dtype == np.float32
    for channel in np.moveaxis(splits.train_images, -1, 0):
        np.testing.assert_allclose([channel.mean(), channel.std()], [0, 1], atol=1e-4)
    pixels = images[:, :, :, np.newaxis] if images.ndim == 3 else images
    assert splits.image_shape == pixels.shape[1:]
    shown = np.concatenate(
        [getattr(splits, f"{part}_images") for part in ("train", "validation", "test")]
    ) * np.array(splits.std) + np.array(splits.mean)
    np.testing.assert_allclose(shown.mean(), (pixels / pixel_max).mean(), rtol=1e-4)


def test_the_brightest_pixel_may_be_given():
    splits = data.from_arrays(BYTES.astype(np.uint16) * 16, CLASSES, pixel_max=4095)
    np.testing.assert_allclose(splits.mean, 0.5, atol=0.02)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_statistics_of_every_type(dtype):
    images = (RANDOM.random([1500, 2, 3, 2]) * 250).astype(dtype)
    mean, std = channel_statistics(images)
    np.testing.assert_allclose(mean, images.mean(axis=(0, 1, 2), dtype=float))
    np.testing.assert_allclose(std, images.std(axis=(0, 1, 2), dtype=float))


@pytest.mark.parametrize(
    "images, problem",
    [
        (np.where(BYTES == BYTES[7, 0, 0, 0], np.nan, BYTES), "received NaN or inf"),
        (BYTES / 255 - 0.5, "not yet normalised, received -0.5 to 0.5"),
        (BYTES.astype(int) - 1, "expected integers from 0 to 255 or to 65535"),
        (BYTES * [1, 0, 1], "the same value in every pixel, number 1 of 3"),
        (BYTES.reshape(-1), "expected numbers [n, height, width]"),
        (BYTES[:0], "at least one image"),
        (BYTES.astype(str), "expected numbers"),
        ([np.zeros([2, 2]), np.zeros([3, 3])], "expected numbers"),
    ],
)
def test_pixels_that_cannot_be_used(images, problem):
    assert problem in message(images, CLASSES[: len(images)])


def test_parts_that_differ():
    grey = BYTES[..., :1]
    assert "test images: expected 3 channels" in message(
        BYTES, CLASSES, test_images=grey, test_labels=CLASSES
    )
    small = {"test_images": BYTES[:, :3], "test_labels": CLASSES}
    assert "received 6 x 4, 3 x 4; give image_size" in message(BYTES, CLASSES, **small)
    splits = data.from_arrays(BYTES, CLASSES, **small, image_size=(3, 4))
    assert splits.image_shape == (3, 4, 3)
    assert len(splits.test_labels) == 60 and len(splits.validation_labels) == 6


# Splits


def test_seeds_choose_validation_images_and_never_test_images():
    numbered = np.arange(60 * 4).reshape([60, 2, 2]).astype(np.uint8)
    first, again, other = (
        data.from_arrays(numbered, CLASSES, seed=seed) for seed in (1, 1, 2)
    )
    raw = [splits.test_images * splits.std + splits.mean for splits in (first, other)]
    np.testing.assert_allclose(*raw, atol=1e-6)
    np.testing.assert_array_equal(first.validation_images, again.validation_images)
    assert not np.allclose(first.validation_images, other.validation_images, atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 30), min_size=2, max_size=6),
    st.floats(0.01, 0.9),
    st.integers(0, 2**32 - 1),
)
def test_a_share_of_each_class_is_held_out(counts, share, seed):
    labels = np.random.default_rng(seed).permutation(
        np.repeat(np.arange(len(counts)), counts)
    )
    images = np.arange(len(labels)).reshape([-1, 1, 1, 1])
    rest, held_out = hold_out_share(LabelledImages(images, labels), share, seed)
    both = np.concatenate([rest.images, held_out.images]).ravel()
    assert sorted(both) == list(range(len(labels)))
    np.testing.assert_array_equal(labels[held_out.images.ravel()], held_out.labels)
    kept = np.bincount(rest.labels, minlength=len(counts))
    for count, left in zip(counts, kept):
        assert left >= 1
        assert count == 1 or count - left == min(
            max(1, round(share * count)), count - 1
        )


def test_options():
    splits = data.from_arrays(
        BYTES, CLASSES, name="mine", batch_size=7, augment=["colour"], cutout=2,
        validation_split=0.5, test_split=0.4,
    )  # fmt: skip
    sizes = [
        len(getattr(splits, f"{p}_labels")) for p in ("train", "validation", "test")
    ]
    assert sizes == [18, 18, 24] and splits.name == "mine"
    assert next(iter(splits.train))[0].shape == (7, 6, 4, 3)
    assert data.from_arrays(BYTES, CLASSES, name="mnist").name == "mnist (own)"
    for wrong in ({"seed": -1}, {"test_split": 1}, {"batch_size": 50}, {"cutout": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            data.from_arrays(BYTES, CLASSES, **wrong)
    assert "one image of each" in message(BYTES[:3], CLASSES[:3])


# Sizes


@pytest.mark.parametrize("how", ["area", "crop", "pad"])
def test_ways_to_resize(how):
    image = np.zeros([1, 4, 8, 1], np.uint8)
    image[0, :, 2:6] = 100  # the middle half
    found = resize_pixels(image, (2, 2), how)[0, :, :, 0]
    expected = {
        "area": [[50, 50], [50, 50]],
        "crop": [[100, 100], [100, 100]],
        "pad": [[50, 50], [0, 0]],
    }
    np.testing.assert_array_equal(found, expected[how])


@settings(max_examples=40, deadline=None)
@given(*[st.integers(1, 9)] * 4, st.sampled_from(["area", "crop", "pad"]))
def test_every_size_becomes_any_other(height, width, rows, columns, how):
    ones = np.full([2, height, width, 1], 7, np.uint16)
    found = resize_pixels(ones, (rows, columns), how)
    assert found.shape == (2, rows, columns, 1) and found.dtype == np.uint16
    assert {*found.ravel().tolist()} <= ({7} if how != "pad" else {0, 7})
    assert found.max() == 7


def test_sizes_that_are_none():
    for wrong in (0, 1025, [3], [3, 0], "32", 2.5, [3, 4, 5], None):
        with pytest.raises(ValueError, match="image_size must be between 1 and 1024"):
            size_of(wrong)
    with pytest.raises(ValueError, match="one of area, crop, pad, received 'padd'"):
        data.from_arrays(BYTES, CLASSES, image_size=3, resize="padd")
    assert data.load("digits", image_size=[4, 6]).image_shape == (4, 6, 1)
    assert data.load("digits", image_size=[4, 6], resize="pad").image_shape == (4, 6, 1)
