"""Raw pictures of any size and colour, prepared as those of a training were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gtn_tf.data.errors import DataError
from gtn_tf.data.normalisation import normalise
from gtn_tf.data.pixels import checked_pixels, to_one_type
from gtn_tf.data.resizing import resize_pixels

# Of red, green and blue in grey (ITU-R 601), in 65536ths: whole numbers give whole
# pixels the very value that Pillow gives them.
_LUMA = np.array([19595, 38470, 7471])
_LUMA_SUM = 65536
_NAMES = {1: "grey", 2: "grey with alpha", 3: "colour", 4: "colour with alpha"}


def prepare_pictures(
    pictures: Any,
    image_shape: Sequence[int],
    mean: np.ndarray,
    std: np.ndarray,
    resize: str = "area",
    pixel_max: float | None = None,
) -> np.ndarray:
    """Brings pictures to one size and number of channels, and normalises them.

    The order is that of the data's own readers: channels, size, then normalisation.

    Args:
        pictures: `[n, h, w]` or `[n, h, w, c]`, or a sequence of `[h, w]` and
            `[h, w, c]` of any sizes.
        image_shape: `(height, width, channels)` that they get.
        mean: Of each channel, for pixels from 0 to 1.
        std: Likewise.
        resize: As for `gtn_tf.data.resizing.resize_pixels`.
        pixel_max: As for `gtn_tf.data.pixels.read_pixels`.

    Returns:
        float32 `[n, *image_shape]`.

    Raises:
        DataError: If they are no pictures, or have channels that cannot be converted.

    Example:

    >>> half = np.array([0.5]), np.array([0.5])
    >>> colour, grey = np.zeros([9, 4, 3], np.uint8), np.full([2, 2], 255, np.uint8)
    >>> prepare_pictures([colour, grey], (1, 1, 1), *half).ravel().tolist()
    [-1.0, 1.0]
    """
    height, width, channels = image_shape
    groups = [checked_pixels(x, name) for name, x in _groups(pictures, channels)]
    found = [np.zeros([0, *image_shape], np.float32) for _ in groups]
    for dtype in {one.dtype for one in groups}:
        # All of a type at once: one dark picture does not tell its scale.
        own = {str(n): x for n, x in enumerate(groups) if x.dtype == dtype}
        typed, brightest = to_one_type(own, pixel_max)
        for n, x in typed.items():
            x = _with_channels(x, channels, brightest)
            x = resize_pixels(x, (height, width), resize)
            found[int(n)] = normalise(x, mean * brightest, std * brightest)
    return np.concatenate([np.zeros([0, *image_shape], np.float32), *found])


def _groups(pictures: Any, channels: int) -> list[tuple[str, np.ndarray]]:
    """Pictures `[n, h, w, c]` or `[n, h, w]` with a name for messages."""
    ndim = getattr(pictures, "ndim", None)
    if ndim is None:
        one_by_one = [(f"picture {n}", np.asarray(x)) for n, x in enumerate(pictures)]
        for name, one in one_by_one:
            if one.ndim not in (2, 3):
                raise DataError(
                    f"{name}: expected [height, width] or [height, width, channels], "
                    f"received shape {list(one.shape)}"
                )
        return [(name, one[np.newaxis]) for name, one in one_by_one]
    array = np.asarray(pictures)
    looks_single = array.ndim == 3 and array.shape[2] in {3, 4, channels} - {1}
    if array.ndim not in (3, 4) or looks_single:
        raise DataError(
            "pictures: expected [n, height, width] or [n, height, width, channels], or "
            f"a list of pictures, received shape {list(array.shape)}; put a single "
            "picture in a list"
        )
    return [("pictures", array)] if len(array) else []


def _with_channels(images: np.ndarray, channels: int, brightest: float) -> np.ndarray:
    """Converts grey and colour, with or without alpha; transparent becomes white."""
    given = images.shape[-1]
    if given == channels:
        return images
    if channels not in (1, 3) or given not in _NAMES:
        raise DataError(
            f"pictures: expected {channels} channels, as the teacher's images have, "
            f"received {given}"
        )
    if given in (2, 4):
        images = _on_white(images[..., :-1], images[..., -1:], brightest)
    if images.shape[-1] == channels:
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=-1)
    if images.dtype.kind == "f":
        return (images @ (_LUMA / _LUMA_SUM)[:, np.newaxis]).astype(images.dtype)
    grey = (images.astype(np.int64) @ _LUMA + _LUMA_SUM // 2) // _LUMA_SUM
    return grey[..., np.newaxis].astype(images.dtype)


def _on_white(colours: np.ndarray, alpha: np.ndarray, brightest: float) -> np.ndarray:
    mixed = brightest - (brightest - colours) * (alpha / brightest)
    whole = colours.dtype.kind != "f"
    return (np.round(mixed) if whole else mixed).astype(colours.dtype)
