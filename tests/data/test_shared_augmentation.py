"""Transformations against loops over pixels, their draws, and their derivatives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf

from gtn_tf.data import Augmentation
from gtn_tf.data.augmentation import covered, moved
from gtn_tf.errors import ArgumentError

ALL = Augmentation(shift=2, mirror=True, cutout=3)
SEED = tf.constant([3, 4])
H, W = 5, 6


def lessons(steps: int = 7, dtype: type = np.float32) -> tf.Tensor:
    rng = np.random.default_rng(0)
    return tf.constant(rng.normal(size=[steps, 2, H, W, 3]).astype(dtype))


def loop_over_pixels(image, down, across, mirror):
    """`image[r, c]` goes to `[r + down, c + across]`, if that is inside."""
    found = np.zeros_like(image)
    for r, c in itertools.product(range(H), range(W)):
        if 0 <= r + down < H and 0 <= c + across < W:
            found[r + down, c + across] = image[r, c]
    return found[:, ::-1] if mirror else found


def test_shifts_and_mirrors_are_those_of_a_loop_over_pixels():
    cases = [*itertools.product((-2, 0, 1), (-1, 0, 2), (False, True))]
    down, across, mirror = map(tf.constant, zip(*cases))
    images = lessons(len(cases))
    found = moved(images, down, across, mirror, most=2)
    assert found.shape == images.shape
    for batch, results, case in zip(images.numpy(), found.numpy(), cases):
        for image, result in zip(batch, results):
            np.testing.assert_array_equal(result, loop_over_pixels(image, *case))
    alone = moved(images[:, 0], down, across, mirror, most=2)  # an image for each draw
    np.testing.assert_array_equal(alone, found[:, 0])


@pytest.mark.parametrize("size, before", [(1, 0), (2, 1), (3, 1)])
def test_a_square_is_covered_as_far_as_it_is_inside(size, before):
    cases = [*itertools.product((0, 2, H - 1), (0, 3, W - 1))]
    row, column = map(tf.constant, zip(*cases))
    images = lessons(len(cases))
    found = covered(images, row, column, size).numpy()
    for batch, results, (r, c) in zip(images.numpy(), found, cases):
        rows = slice(max(r - before, 0), r - before + size)
        columns = slice(max(c - before, 0), c - before + size)
        batch[:, rows, columns] = 0
        np.testing.assert_array_equal(results, batch)


def test_no_augmentation_is_no_operation():
    images = lessons()
    assert Augmentation().is_none and not ALL.is_none
    assert Augmentation()(images, SEED, tf.range(7)) is images


def test_all_images_of_a_step_have_one_transformation_of_seed_and_step():
    one = lessons(1)
    images = tf.repeat(tf.repeat(one[:, :1], 7, axis=0), 4, axis=1)  # [7, 4, ...]
    found = ALL(images, SEED, tf.range(7)).numpy()
    assert all((batch == batch[0]).all() for batch in found)
    assert len({batch[0].tobytes() for batch in found}) == 7
    # A step alone, in any order and of any type of integer, is the same.
    some = ALL(images[:2], SEED, tf.constant([5, 2], tf.int64))
    np.testing.assert_array_equal(some, found[[5, 2]])
    tf.random.set_seed(99)  # which must not matter, as a graph must not
    traced = tf.function(ALL)(images, SEED, tf.range(7))
    np.testing.assert_array_equal(traced, found)
    other = ALL(images, tf.constant([3, 5]), tf.range(7))
    assert not np.array_equal(other, found)


def test_every_transformation_is_as_likely():
    count = 4000
    pixel = np.zeros([count, 1, 7, 7, 1], np.float32)
    pixel[:, :, 3, 3] = 1
    found = Augmentation(shift=1)(pixel, SEED, tf.range(count)).numpy()
    shares = found.mean(axis=(0, 1))[2:5, 2:5, 0]  # of the 9 places
    np.testing.assert_allclose(shares, 1 / 9, atol=0.02)
    left = np.zeros([count, 1, 2, 2, 1], np.float32)
    left[:, :, :, 0] = 1
    found = Augmentation(mirror=True)(left, SEED, tf.range(count)).numpy()
    np.testing.assert_allclose(found[:, :, :, 0].mean(), 0.5, atol=0.03)
    ones = np.ones([count, 1, 4, 3, 1], np.float32)
    found = Augmentation(cutout=1)(ones, SEED, tf.range(count)).numpy()
    np.testing.assert_allclose(1 - found.mean(axis=(0, 1, 4)), 1 / 12, atol=0.02)


def test_a_setting_does_not_change_the_draws_of_another():
    images = lessons()
    moves = Augmentation(shift=2, mirror=True)(images, SEED, tf.range(7))
    uncovered = ALL(images, SEED, tf.range(7)) != 0
    np.testing.assert_array_equal(
        ALL(images, SEED, tf.range(7)), tf.where(uncovered, moves, 0.0)
    )
    assert 0.2 < np.mean(uncovered) < np.mean(moves != 0)


def test_derivatives_of_both_orders():
    """Against central differences: a function of third degree of the pixels."""
    images = lessons(3, np.float64)
    factors = tf.constant(np.random.default_rng(1).normal(size=images.shape))

    @tf.function
    def derivatives(images):
        with tf.GradientTape() as outer:
            outer.watch(images)
            with tf.GradientTape() as tape:
                tape.watch(images)
                value = tf.reduce_sum(factors * ALL(images, SEED, tf.range(3)) ** 3)
            gradient = tape.gradient(value, images)
            slope = tf.reduce_sum(gradient * factors)
        return value, slope, gradient, outer.gradient(slope, images)

    _, _, first, second = derivatives(images)
    direction = np.random.default_rng(2).normal(size=images.shape)
    moved_by = [derivatives(images + sign * 1e-5 * direction) for sign in (1, -1)]
    for order, gradient in enumerate((first, second)):
        expected = (moved_by[0][order] - moved_by[1][order]) / 2e-5
        assert abs(expected) > 1
        assert float(tf.reduce_sum(gradient * direction)) == pytest.approx(
            float(expected), rel=1e-6
        )


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"shift": -1}, "shift: expected an integer of at least 0, in pixels, rec"),
        ({"shift": True}, "shift: expected an integer .* received True"),
        ({"cutout": 2.0}, "cutout: expected an integer .* received 2.0"),
        ({"mirror": 1}, "mirror: expected true or false, received 1"),
    ],
)
def test_other_settings_are_refused(settings, message):
    with pytest.raises(ArgumentError, match=f"augmentation.{message}"):
        Augmentation(**settings)


@pytest.mark.parametrize(
    "settings, shape, message",
    [
        ({"shift": 4}, (4, 8, 1), r"shift: expected below 4 for images \[4, 8, 1\]"),
        ({"cutout": 8}, (8, 8, 3), "cutout: expected below 8 .* received 8"),
        ({"shift": 1}, (1, 9, 1), r"shift: expected none for images \[1, 9, 1\]"),
        ({"mirror": True}, (9, 1, 1), "mirror: expected none for images"),
    ],
)
def test_images_without_enough_height_or_width_are_refused(settings, shape, message):
    with pytest.raises(ArgumentError, match=message):
        Augmentation(**settings).check(shape)
    Augmentation(**settings).check((9, 9, 1))
    Augmentation().check((1, 1, 1))


def test_settings_survive_keras():
    saved = tf.keras.saving.serialize_keras_object(ALL)
    assert tf.keras.saving.deserialize_keras_object(saved) == ALL
