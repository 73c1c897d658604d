"""Images of another size, such as smaller ones for quick experiments."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Union

import numpy as np
import tensorflow as tf

from gtn_tf.data.labelled import LabelledImages
from gtn_tf.errors import ArgumentError, not_one_of, shown
from gtn_tf.names import RESIZES
from gtn_tf.shapes import expect_pictures

ImageSize = Union[int, Sequence[int]]  # of squares, or (height, width), in pixels

_LARGEST = 1024  # pixels; more is a mistake, and fills the memory
_PIXELS = 2**23  # resized at once


def size_of(image_size: ImageSize) -> tuple[int, int]:
    """Checks the size that images get.

    Args:
        image_size: Height and width in pixels; one number for squares.

    Returns:
        `(height, width)`.

    Raises:
        ArgumentError: If it is something else.

    Example:

    >>> size_of(32), size_of([48, 64])
    ((32, 32), (48, 64))
    """
    try:
        pair = [image_size] * 2 if not isinstance(image_size, Sequence) else image_size
        height, width = (operator.index(side) for side in pair)
    except (TypeError, ValueError):
        height = width = 0
    if not (1 <= height <= _LARGEST and 1 <= width <= _LARGEST):
        raise ArgumentError(
            f"image_size must be between 1 and {_LARGEST}, received "
            f"{shown(image_size)}; give one number, or a height and a width",
            "image_size",
        )
    return height, width


def expect_resizable(
    image_shape: Sequence[int], image_size: ImageSize | None, how: str
) -> None:
    """Expects no size where the data is a table.

    Args:
        image_shape: Of the data, `(height, width, channels)` or `(features,)`.
        image_size: As a user has given it; `None` or 0 if not.
        how: As for `resize_pixels`; `"area"` is the default.

    Raises:
        ArgumentError: If a table should be resized.

    Example:

    >>> expect_resizable((13,), None, "area")
    """
    if image_size:
        expect_pictures(image_shape, "image_size", "leave it out", "image_size")
    if how != "area":
        expect_pictures(image_shape, "resize", "leave it out", "resize")


def resize(
    part: LabelledImages, image_size: ImageSize, how: str = "area"
) -> LabelledImages:
    """Resizes images and keeps their labels.

    Args:
        part: Images `[n, h, w, c]` with labels.
        image_size: As for `size_of`.
        how: As for `resize_pixels`.

    Example:

    >>> from gtn_tf.data.digits import read_digits
    >>> resize(read_digits().test, 4).images.shape
    (360, 4, 4, 1)
    """
    images = np.asarray(part.images)
    return part._replace(images=resize_pixels(images, size_of(image_size), how))


def resize_pixels(
    images: np.ndarray, size: tuple[int, int], how: str = "area"
) -> np.ndarray:
    """Resizes images: each new pixel is the mean over its area.

    Args:
        images: Array `[n, h, w, c]`.
        size: New height and width, in pixels.
        how: `"area"` stretches an image of another shape; `"crop"` cuts its longer
            side at both ends first; `"pad"` keeps all of it and adds black (zeros) on
            both sides.

    Returns:
        Array `[n, *size, c]` of the same type; integers are rounded. Images that
        already have the size are returned unchanged.

    Raises:
        ArgumentError: If there is no such way to resize.

    Example:

    >>> wide = np.ones([1, 4, 8, 1], np.uint8)
    >>> [int(resize_pixels(wide, (4, 4), how).sum()) for how in ("crop", "pad")]
    [16, 8]
    """
    if how not in RESIZES:
        raise ArgumentError(not_one_of("resize", how, RESIZES), "resize")
    height, width = images.shape[1:3]
    if (height, width) == size:
        return images
    if how == "crop":
        rows = min(height, max(1, round(width * size[0] / size[1])))
        columns = min(width, max(1, round(height * size[1] / size[0])))
        top, left = (height - rows) // 2, (width - columns) // 2
        return _by_area(images[:, top : top + rows, left : left + columns], size)
    if how == "area":
        return _by_area(images, size)
    scale = min(size[0] / height, size[1] / width)
    inside = max(1, round(height * scale)), max(1, round(width * scale))
    margins = [(side - own) // 2 for side, own in zip(size, inside)]
    padded = np.zeros([len(images), *size, images.shape[-1]], images.dtype)
    (top, left), (rows, columns) = margins, inside
    padded[:, top : top + rows, left : left + columns] = _by_area(images, inside)
    return padded


def _by_area(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if images.shape[1:3] == size:
        return images
    count = max(1, _PIXELS // (images.shape[1] * images.shape[2]))
    resized = np.empty([len(images), *size, images.shape[-1]], images.dtype)
    with tf.device("CPU:0"):
        for i in range(0, len(images), count):
            found = tf.image.resize(images[i : i + count], size, "area").numpy()
            whole = images.dtype.kind != "f"
            resized[i : i + count] = np.round(found) if whole else found
    return resized
