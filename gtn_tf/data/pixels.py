"""Pixels as users have them: of 8 or 16 bits, bool or floats; grey or in channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gtn_tf.data.errors import DataError

# Resizing and sharpening exceed 0..1 by a little.
_SLACK = 0.25


def read_pixels(
    images: Mapping[str, Any], pixel_max: float | None = None
) -> tuple[dict[str, np.ndarray], float]:
    """Checks images and brings those of all parts to one type.

    Args:
        images: The images of each part, `[n, h, w]` or `[n, h, w, c]`: bool, integers
            of up to 16 bits in any type, or floats.
        pixel_max: Value of the brightest pixel; by default 255 of bytes, 65535 of
            larger integers, 1 of bool, and of floats 1 or 255, whichever holds them.

    Returns:
        uint8, uint16 or float32 arrays `[n, h, w, c]`, and the value of the brightest
        pixel.

    Raises:
        DataError: If they are something else, are not finite, have different numbers
            of channels, or are normalised already.

    Example:

    >>> images, brightest = read_pixels({"train": np.zeros([5, 8, 8], bool)})
    >>> images["train"].shape, images["train"].dtype, brightest
    ((5, 8, 8, 1), dtype('uint8'), 1.0)
    """
    given = {
        part: checked_pixels(one, f"{part} images") for part, one in images.items()
    }
    channels = {part: one.shape[-1] for part, one in given.items()}
    for part, count in channels.items():
        if count != channels["train"]:
            raise DataError(
                f"{part} images: expected {channels['train']} channels, as the "
                f"training images have, received {count}; convert one or the other"
            )
    return to_one_type(given, pixel_max)


def to_one_type(
    given: Mapping[str, np.ndarray], pixel_max: float | None = None
) -> tuple[dict[str, np.ndarray], float]:
    """Brings checked images to one type.

    Args:
        given: At least one array from `checked_pixels`.
        pixel_max: As for `read_pixels`.

    Returns:
        As `read_pixels`.

    Raises:
        DataError: If they are normalised already, or are integers of other values.
    """
    kinds = {one.dtype.kind for one in given.values()}
    if kinds == {"b"}:
        return _as(given, np.uint8), pixel_max or 1.0
    low = min(float(one.min()) for one in given.values())
    high = max(float(one.max()) for one in given.values())
    if "f" in kinds:
        return _as(given, np.float32), pixel_max or _brightest_float(low, high)
    if low < 0 or high > 65535:
        raise DataError(
            f"images: expected integers from 0 to 255 or to 65535, received {low:g} to "
            f"{high:g}"
        )
    if high > 255 or any(one.dtype == np.uint16 for one in given.values()):
        return _as(given, np.uint16), pixel_max or 65535.0
    return _as(given, np.uint8), pixel_max or 255.0


def checked_pixels(images: Any, name: str) -> np.ndarray:
    """Checks that images are finite numbers in an array, and adds a channel axis.

    Args:
        images: `[n, h, w]` or `[n, h, w, c]`.
        name: What they are, for messages.

    Returns:
        `[n, h, w, c]`.

    Raises:
        DataError: If they are something else.
    """
    try:
        array = np.asarray(images)
    except ValueError:  # NumPy's, of lists that are no array
        array = np.empty(0, object)
    if array.dtype.kind not in "biuf" or array.ndim not in (3, 4) or not array.size:
        raise DataError(
            f"{name}: expected numbers [n, height, width] or [n, height, width, "
            f"channels], at least one image, received {array.dtype} of shape "
            f"{list(array.shape)}"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        axes = tuple(range(1, array.ndim))
        (rows,) = np.nonzero(~np.isfinite(array).all(axis=axes))
        raise DataError(
            f"{name}: expected finite pixels, received NaN or infinity in "
            f"{len(rows)} images, the first at {rows[0]}; leave them out"
        )
    return array[..., np.newaxis] if array.ndim == 3 else array


def _brightest_float(low: float, high: float) -> float:
    if -_SLACK <= low and high <= 1 + _SLACK:
        return 1.0
    if 0 <= low and high <= 255:
        return 255.0
    raise DataError(
        "images: expected floats from 0 to 1 or from 0 to 255, not yet normalised, "
        f"received {low:.3g} to {high:.3g}; undo their normalisation, or give pixel_max"
    )


def _as(images: Mapping[str, np.ndarray], dtype: Any) -> dict[str, np.ndarray]:
    return {part: one.astype(dtype, copy=False) for part, one in images.items()}
