"""Scales pixels of any type to 0..1."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.errors import ArgumentError

_INTEGERS = (tf.uint8, tf.uint16)
# Resizing and sharpening exceed 0..1 by a little; pixels of 0..255, and those that are
# already normalised, by much more.
_SLACK = 0.25


def scaled_to_1(pixels: Any) -> np.ndarray | tf.Tensor:
    """Scales pixels by their type: integers by its largest value, floats not at all.

    Args:
        pixels: uint8, uint16, bool, or floats from 0 to 1: an array or a tensor.

    Returns:
        Floats: an array for an array, a float32 tensor for a tensor.

    Raises:
        ArgumentError: If floats are far outside 0..1, or if the type does not define
            the scale.

    Example:

    >>> scaled_to_1(np.array([0, 255], np.uint8)).tolist()
    [0.0, 1.0]
    >>> scaled_to_1(np.array([0.0, 255.0]))
    Traceback (most recent call last):
        ...
    gtn_tf.errors.ArgumentError: pixels: expected floats from 0 to 1, or uint8 or \
uint16, received 0.0 to 255.0
    """
    if not tf.is_tensor(pixels):
        pixels = np.asarray(pixels)
    dtype = tf.as_dtype(pixels.dtype)
    if dtype in _INTEGERS or dtype == tf.bool:
        as_floats = _cast(pixels)
        return as_floats if dtype == tf.bool else as_floats / dtype.max
    if not dtype.is_floating:
        raise ArgumentError(
            f"{_EXPECTED}, received {dtype.name}, which does not define the scale; "
            "pixels of 0..255 have to be cast to uint8"
        )
    if not tf.is_tensor(pixels):
        _expect(pixels)
        return pixels
    if tf.executing_eagerly():
        _expect(pixels.numpy())
        return _cast(pixels)
    inside = (pixels >= -_SLACK) & (pixels <= 1 + _SLACK)
    check = tf.debugging.Assert(tf.reduce_all(inside), [_EXPECTED, pixels])
    with tf.control_dependencies([check]):
        return _cast(pixels)


_EXPECTED = "pixels: expected floats from 0 to 1, or uint8 or uint16"


def _cast(pixels: Any) -> Any:
    if tf.is_tensor(pixels):
        return tf.cast(pixels, tf.float32)
    return pixels.astype(np.float32)


def _expect(pixels: np.ndarray) -> None:
    if not pixels.size:
        return
    low, high = pixels.min(), pixels.max()
    if not (-_SLACK <= low and high <= 1 + _SLACK):  # NaN is outside, too
        raise ArgumentError(f"{_EXPECTED}, received {low} to {high}")
