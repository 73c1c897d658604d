"""Shifted, mirrored and partly covered copies of images, differentiable."""

from __future__ import annotations

import tensorflow as tf


def batch_key(seed: int, step: tf.Tensor) -> tf.Tensor:
    """The key of all that is drawn for a batch of the training stream, int64 `[2]`.

    Args:
        seed: Seed of all steps.
        step: int64 scalar, the position of the batch in the stream.
    """
    # Odd keys, for the order of the images uses the even ones.
    return tf.stack([tf.constant(2 * seed + 1, tf.int64), step])


def cut_out(images: tf.Tensor, size: int, seed: int, step: tf.Tensor) -> tf.Tensor:
    """Covers a square of each image with zeros (DeVries & Taylor 2017).

    The square's centre is any pixel, so that it may lie partly outside. The result is
    a pure function of its arguments, like that of `augment_images`.

    Args:
        images: float32 tensor `[b, h, w, c]`, normalised.
        size: Side of the square, in pixels.
        seed: Seed of all steps.
        step: int64 scalar, the position of the batch in the stream.

    Returns:
        float32 tensor `[b, h, w, c]`.

    Example:

    >>> covered = cut_out(tf.ones([1, 8, 8, 1]), 16, 0, tf.constant(0, tf.int64))
    >>> float(tf.reduce_sum(covered))
    0.0
    """
    # A use of its own, beside those of `named_augmentation`.
    key = tf.random.experimental.stateless_fold_in(batch_key(seed, step), 1)
    drawn = tf.random.stateless_uniform([2, images.shape[0], 1], key)  # in 0..1
    return covered(images, *pixel(drawn[..., 0], images), size)


def moved(
    images: tf.Tensor,
    down: tf.Tensor,
    across: tf.Tensor,
    mirror: tf.Tensor,
    most: int,
) -> tf.Tensor:
    """Shifts images, with zeros that move in, and then mirrors some left to right.

    Args:
        images: `[n, ..., h, w, c]`: `n` images, or `n` batches moved each as a whole.
        down: int32 `[n]`, in pixels.
        across: int32 `[n]`, in pixels, to the right.
        mirror: bool `[n]`, those that are mirrored.
        most: The largest number of pixels of any shift.

    Example:

    >>> row = tf.constant([1.0, 2.0, 3.0])[tf.newaxis, tf.newaxis, :, tf.newaxis]
    >>> found = moved(row, *tf.constant([[0], [1]]), tf.constant([False]), most=1)
    >>> found.numpy().ravel().tolist()
    [0.0, 1.0, 2.0]
    """
    height, width = images.shape[-3:-1]
    rows = most - down[:, tf.newaxis] + tf.range(height)  # [n, h], of padded images
    columns = most - across[:, tf.newaxis] + tf.range(width)  # [n, w]
    columns = tf.where(mirror[:, tf.newaxis], tf.reverse(columns, axis=[1]), columns)

    first = images.shape.rank - 3
    margins = [[0, 0]] * first + [[most, most]] * 2 + [[0, 0]]
    padded = tf.pad(images, margins)  # [n, ..., h + 2 most, w + 2 most, c]
    found = tf.gather(padded, rows, axis=first, batch_dims=1)
    return tf.gather(found, columns, axis=first + 1, batch_dims=1)


def covered(
    images: tf.Tensor, row: tf.Tensor, column: tf.Tensor, size: int
) -> tf.Tensor:
    """Covers a square of each image with zeros, as far as it lies inside.

    Args:
        images: `[n, ..., h, w, c]`.
        row: int32 `[n]`, of the square's centre.
        column: int32 `[n]`, likewise.
        size: Side of the square, in pixels.
    """
    height, width = images.shape[-3:-1]
    rows, columns = _side(row, height, size), _side(column, width, size)
    square = rows[:, :, tf.newaxis] & columns[:, tf.newaxis, :]  # [n, h, w]
    between = [1] * (images.shape.rank - 4)
    square = tf.reshape(square, [-1, *between, height, width, 1])
    return tf.where(square, tf.zeros([], images.dtype), images)


def offset(uniform: tf.Tensor, most: int) -> tf.Tensor:
    """Turns numbers from 0 to 1 into as likely integers from `-most` to `most`."""
    return tf.cast(uniform * (2 * most + 1), tf.int32) - most


def pixel(uniform: tf.Tensor, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Turns pairs of numbers from 0 to 1, `[2, n]`, into rows and columns."""
    height, width = images.shape[-3:-1]
    row, column = uniform[0] * height, uniform[1] * width
    return tf.cast(row, tf.int32), tf.cast(column, tf.int32)


def _side(centre: tf.Tensor, length: int, size: int) -> tf.Tensor:
    """Which rows, or columns, a square covers, bool `[n, length]`."""
    first = centre[:, tf.newaxis] - size // 2
    places = tf.range(length)
    return (places >= first) & (places < first + size)
