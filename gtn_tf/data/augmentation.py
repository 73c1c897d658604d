"""Shifted, mirrored and partly covered copies of training images."""

from __future__ import annotations

import tensorflow as tf

_PADDING = 4  # pixels


def shift_and_mirror(images: tf.Tensor, seed: int, step: tf.Tensor) -> tf.Tensor:
    """Crops each zero-padded image at random and mirrors it with probability 1/2.

    The result is a pure function of its arguments: the same batch at the same step is
    always augmented in the same way, whatever was drawn before, so that a resumed
    training sees what an uninterrupted one would have seen. The images are normalised,
    so the zeros of the padding are the mean colour.

    Args:
        images: float32 tensor `[b, h, w, c]`.
        seed: Seed of all steps.
        step: int64 scalar, the position of the batch in the stream.

    Returns:
        float32 tensor `[b, h, w, c]`: each image moved by -4 to 4 pixels down and
        across, and mirrored left to right with probability 1/2.

    Example:

    >>> import tensorflow as tf
    >>> from gtn_tf.data.augmentation import shift_and_mirror
    >>> images = tf.ones([2, 32, 32, 3])
    >>> shift_and_mirror(images, seed=0, step=tf.constant(7, tf.int64)).shape
    TensorShape([2, 32, 32, 3])
    """
    batch, height, width, _ = images.shape
    # Odd keys, for the order of the images uses the even ones.
    key = tf.stack([tf.constant(2 * seed + 1, tf.int64), step])
    down, across, mirror = tf.unstack(
        tf.random.stateless_uniform([3, batch, 1], key)
    )  # [b, 1] each, in 0..1

    rows = _start(down) + tf.range(height)  # [b, h]
    columns = _start(across) + tf.range(width)  # [b, w]
    columns = tf.where(mirror < 0.5, tf.reverse(columns, axis=[1]), columns)

    margin = [_PADDING, _PADDING]
    padded = tf.pad(images, [[0, 0], margin, margin, [0, 0]])  # [b, h + 8, w + 8, c]
    moved = tf.gather(padded, rows, axis=1, batch_dims=1)  # [b, h, w + 8, c]
    return tf.gather(moved, columns, axis=2, batch_dims=1)  # [b, h, w, c]


def cut_out(images: tf.Tensor, size: int, seed: int, step: tf.Tensor) -> tf.Tensor:
    """Covers a square of each image with zeros (DeVries & Taylor 2017).

    The square's centre is any pixel, so that it may lie partly outside. The result is
    a pure function of its arguments, like that of `shift_and_mirror`.

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
    batch, height, width, _ = images.shape
    key = tf.stack([tf.constant(2 * seed + 1, tf.int64), step])
    key = tf.random.experimental.stateless_fold_in(key, 1)  # not that of the shifts
    drawn = tf.random.stateless_uniform([2, batch, 1], key)  # in 0..1
    rows = _covered(drawn[0], height, size)  # [b, h]
    columns = _covered(drawn[1], width, size)  # [b, w]
    covered = rows[:, :, tf.newaxis] & columns[:, tf.newaxis, :]  # [b, h, w]
    return tf.where(covered[..., tf.newaxis], tf.zeros_like(images), images)


def _covered(uniform: tf.Tensor, length: int, size: int) -> tf.Tensor:
    """Which rows, or columns, the square of each image covers."""
    centre = tf.cast(uniform * length, tf.int32)  # [b, 1]
    first = centre - size // 2
    places = tf.range(length)  # [length]
    return (places >= first) & (places < first + size)  # [b, length]


def _start(uniform: tf.Tensor) -> tf.Tensor:
    """Turns 0..1 into the first row or column of a crop, 0 to twice the padding."""
    return tf.cast(uniform * (2 * _PADDING + 1), tf.int32)
