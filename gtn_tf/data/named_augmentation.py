"""Augmentation of real training images by name, of each image on its own.

Keras' layers for it (RandomTranslation, RandomFlip, RandomRotation, RandomBrightness,
RandomContrast) draw from a state that no checkpoint holds, and take no seed when they
are called: a resumed training would see other images. All draws are stateless here,
functions of the seed and the number of the batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.data.augmentation import batch_key, moved, offset
from gtn_tf.errors import ArgumentError, not_one_of, shown
from gtn_tf.names import AUGMENTATIONS

_MOST_SHIFT = 4  # pixels, and no more than a quarter of the shorter side
_MOST_TURN = math.radians(15)
_MOST_COLOUR = 0.2  # of the range of pixels, and of contrast and saturation
_GREY = (0.2989, 0.587, 0.114)  # brightness of red, green and blue

_ROTATE, _COLOUR = 2, 3  # uses of a batch's key; 1 is that of cutout


def expect_names(augment: Any) -> None:
    """Checks names of augmentations.

    Args:
        augment: A list or a tuple of some of `gtn_tf.names.AUGMENTATIONS`, each once.

    Raises:
        ArgumentError: If it is something else.
    """
    if not isinstance(augment, (list, tuple)):
        raise ArgumentError(
            f"augment: expected a list of some of {', '.join(AUGMENTATIONS)}, such as "
            f"['shift'], or [] for none, received {shown(augment)}",
            "augment",
        )
    for place, name in enumerate(augment):
        if name not in AUGMENTATIONS:
            raise ArgumentError(not_one_of("augment", name, AUGMENTATIONS), "augment")
        if name in augment[:place]:
            raise ArgumentError(
                f"augment: expected each name once, received {name} twice", "augment"
            )


def augment_images(
    images: tf.Tensor,
    names: Sequence[str],
    mean: Sequence[float],
    std: Sequence[float],
    seed: int,
    step: tf.Tensor,
) -> tf.Tensor:
    """Augments each image at random; a pure function of its arguments.

    The same batch at the same step is always augmented in the same way, whatever was
    drawn before, so that a resumed training sees what an uninterrupted one would have
    seen. The images are normalised, so the zeros that move in are the mean colour.

    Args:
        images: float32 tensor `[b, h, w, c]`, normalised.
        names: Some of `gtn_tf.names.AUGMENTATIONS`. Their order does not matter: colour
            comes first, then rotation, shift and mirror.
        mean: Per channel `[c]`, of pixels from 0 to 1: `pixel = image * std + mean`.
        std: Likewise.
        seed: Seed of all steps.
        step: int64 scalar, the position of the batch in the stream.

    Returns:
        float32 tensor `[b, h, w, c]`.

    Example:

    >>> images, step = tf.ones([2, 32, 32, 1]), tf.constant(7, tf.int64)
    >>> augment_images(images, ["shift", "rotate"], [0.5], [0.2], 0, step).shape
    TensorShape([2, 32, 32, 1])
    """
    key, fold_in = batch_key(seed, step), tf.random.experimental.stateless_fold_in
    if "colour" in names:
        images = _coloured(images, mean, std, fold_in(key, _COLOUR))
    if "rotate" in names:
        images = _rotated(images, fold_in(key, _ROTATE))
    if "shift" in names or "mirror" in names:
        images = _moved(images, "shift" in names, "mirror" in names, key)
    return images


def _moved(images: tf.Tensor, shift: bool, mirror: bool, key: tf.Tensor) -> tf.Tensor:
    """By up to 4 pixels down and across, and mirrored with probability 1/2."""
    down, across, chosen = tf.unstack(
        tf.random.stateless_uniform([3, images.shape[0], 1], key)[..., 0]
    )  # [b] each, in 0..1
    most = min(_MOST_SHIFT, min(images.shape[1:3]) // 4) if shift else 0
    mirrored = (chosen < 0.5) & mirror
    return moved(images, -offset(down, most), -offset(across, most), mirrored, most)


def _rotated(images: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """By up to 15 degrees around the centre, with zeros that turn in."""
    count, height, width = images.shape[:3]
    angle = tf.random.stateless_uniform([count], key, -_MOST_TURN, _MOST_TURN)
    cos, sin, zeros = tf.cos(angle), tf.sin(angle), tf.zeros([count])
    # Where an output pixel (x, y) is read: the centre stays where it is.
    x, y = (width - 1) / 2, (height - 1) / 2
    matrix = [cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([*matrix, zeros, zeros], axis=1),  # [b, 8]
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )


def _coloured(
    images: tf.Tensor, mean: Sequence[float], std: Sequence[float], key: tf.Tensor
) -> tf.Tensor:
    """Of another brightness and contrast and, of three channels, saturation."""
    drawn = tf.random.stateless_uniform([3, images.shape[0], 1, 1, 1], key, -1, 1)
    brightness, contrast, saturation = tf.unstack(_MOST_COLOUR * drawn)
    scale, middle = tf.constant(std, tf.float32), tf.constant(mean, tf.float32)  # [c]
    pixels = images * scale + middle + brightness
    average = tf.reduce_mean(pixels, axis=[1, 2], keepdims=True)
    pixels = average + (1 + contrast) * (pixels - average)
    if images.shape[-1] == len(_GREY):
        grey = tf.reduce_sum(pixels * tf.constant(_GREY), axis=-1, keepdims=True)
        pixels = grey + (1 + saturation) * (pixels - grey)
    return (tf.clip_by_value(pixels, 0.0, 1.0) - middle) / scale
