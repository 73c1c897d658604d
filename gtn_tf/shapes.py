"""Shapes of images, as users write them."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.errors import ArgumentError

ImageShape = Sequence[
    int
]  # (height, width, channels), or (height, width) of a grey one


def image_shape_of(shape: Any) -> tuple[int, int, int]:
    """Checks the shape of an image; one without channels is grey.

    Args:
        shape: `(height, width, channels)` or `(height, width)`, in pixels.

    Returns:
        `(height, width, channels)`.

    Raises:
        ArgumentError: If it is something else.

    Example:

    >>> image_shape_of((28, 28))
    (28, 28, 1)
    """
    try:
        sides = tuple(operator.index(side) for side in shape)
    except TypeError:
        sides = ()
    if len(sides) not in (2, 3) or min(sides) < 1:
        raise ArgumentError(
            "image_shape: expected (height, width, channels), or (height, width) for "
            f"grey images, received {str(shape)[:80]}"
        )
    height, width, *channels = sides
    return height, width, channels[0] if channels else 1


def with_channels(images: Any, image_shape: tuple[int, int, int]) -> Any:
    """Adds the channel axis that grey images may lack, and checks the shape.

    Args:
        images: `[..., h, w, c]`, or `[..., h, w]` where `c` is 1: an array or a tensor.
        image_shape: `(height, width, channels)`.

    Returns:
        `[..., h, w, c]`.

    Raises:
        ArgumentError: If the images have another shape, as far as it is known.

    Example:

    >>> import numpy as np
    >>> with_channels(np.zeros([5, 28, 28]), (28, 28, 1)).shape
    (5, 28, 28, 1)
    """
    shape = getattr(images, "shape", ())
    if getattr(shape, "rank", 0) is None:  # known only when the graph runs
        return tf.reshape(images, [tf.shape(images)[0], *image_shape])
    sides = list(shape[-3:])
    if len(sides) == 3 and all(a in (None, b) for a, b in zip(sides, image_shape)):
        return images
    height, width, channels = image_shape
    if channels == 1 and sides[-2:] == [height, width]:
        return images[..., None]
    raise ArgumentError(
        f"expected images {list(image_shape)}, as the teacher's are, received {sides}"
    )
