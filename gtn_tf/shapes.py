"""Shapes of images, as users write them; those of a table are vectors."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.errors import ArgumentError

# (height, width, channels), (height, width) of a grey one, or (features,) of a vector.
ImageShape = Sequence[int]


def image_shape_of(shape: Any) -> tuple[int, ...]:
    """Checks the shape of an image; one without channels is grey.

    Args:
        shape: `(height, width, channels)` or `(height, width)`, in pixels; or
            `(features,)`, of a line of a table.

    Returns:
        `(height, width, channels)` or `(features,)`.

    Raises:
        ArgumentError: If it is something else.

    Example:

    >>> image_shape_of((28, 28))
    (28, 28, 1)
    >>> image_shape_of([13])
    (13,)
    """
    try:
        sides = tuple(operator.index(side) for side in shape)
    except TypeError:
        sides = ()
    if len(sides) not in (1, 2, 3) or min(sides) < 1:
        raise ArgumentError(
            "image_shape: expected (height, width, channels), (height, width) for "
            f"grey images, or (features,) for a table, received {str(shape)[:80]}"
        )
    return (*sides, 1) if len(sides) == 2 else sides


def is_vector(image_shape: Sequence[int]) -> bool:
    """Whether an image is a line of a table.

    Args:
        image_shape: `(height, width, channels)` or `(features,)`.

    Example:

    >>> is_vector((13,)), is_vector((28, 28, 1))
    (True, False)
    """
    return len(image_shape) == 1


def expect_pictures(
    image_shape: Sequence[int], what: str, instead: str = "", argument: str = ""
) -> tuple[int, int, int]:
    """Expects images that are pictures and no lines of a table.

    Args:
        image_shape: `(height, width, channels)` or `(features,)`.
        what: What needs pictures.
        instead: What to do with a table.
        argument: As for `ArgumentError`.

    Returns:
        `(height, width, channels)`.

    Raises:
        ArgumentError: If they are lines of a table.

    Example:

    >>> expect_pictures((13,), "ConvLearners", "MLPLearners take any")
    Traceback (most recent call last):
        ...
    gtn_tf.errors.ArgumentError: ConvLearners: expected pictures, received a table \
of 13 features; MLPLearners take any
    """
    if is_vector(image_shape):
        raise ArgumentError(
            f"{what}: expected pictures, received a table of {image_shape[0]} features"
            f"{instead and '; '}{instead}",
            argument,
        )
    height, width, channels = image_shape
    return height, width, channels


def with_channels(images: Any, image_shape: tuple[int, ...]) -> Any:
    """Adds the channel axis that grey images may lack, and checks the shape.

    Args:
        images: `[..., h, w, c]`, or `[..., h, w]` where `c` is 1: an array or a tensor.
            Of a table, `[..., features]`.
        image_shape: `(height, width, channels)` or `(features,)`.

    Returns:
        `[..., h, w, c]` or `[..., features]`.

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
    own = sides[-len(image_shape) :]
    fits = len(own) == len(image_shape) and all(
        a in (None, b) for a, b in zip(own, image_shape)
    )
    # Before a vector there are at most steps and a batch; else they are pictures.
    if fits and (len(image_shape) == 3 or len(shape) <= 3):
        return images
    if image_shape[2:] == (1,) and sides[-2:] == [*image_shape[:2]]:
        return images[..., None]
    raise ArgumentError(
        f"expected images {list(image_shape)}, as the teacher's are, received {sides}"
    )
