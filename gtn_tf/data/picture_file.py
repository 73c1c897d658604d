"""One picture file: what its header says, and its pixels, upright, as bytes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from gtn_tf.bounded_npz import open_file
from gtn_tf.data.errors import DataError, named
from gtn_tf.errors import GTNError, first_line

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")

_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
_GREY = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L")
_SIXTEEN_BITS = ("I", "I;16", "I;16B", "I;16L")
_MOST_PIXELS = 2**26  # of a picture; a header of a few bytes can claim any number
_ORIENTATION = 0x0112  # the tag of EXIF; 5 to 8 turn height to width


class Header(NamedTuple):
    """What is known of a picture before it is decoded.

    Args:
        size: Height and width, upright.
        is_grey: Whether it has no colours.
        bits: 8 or 16.
    """

    size: tuple[int, int]
    is_grey: bool
    bits: int


def read_header(path: Path) -> Header | DataError:
    """Reads the header of a picture.

    Args:
        path: The file.

    Returns:
        What it says; an error if it cannot be read.
    """
    try:
        with _opened(path) as picture:
            width, height = picture.size
            turned = picture.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
            size = (width, height) if turned else (height, width)
            return Header(
                size, _is_grey(picture), 16 if picture.mode in _SIXTEEN_BITS else 8
            )
    except DataError as error:
        return error


def _is_grey(picture: Image.Image) -> bool:
    if picture.mode != "P":
        return picture.mode in _GREY
    colours = np.reshape(picture.getpalette("RGB") or [], [-1, 3])
    return bool((colours == colours[:, :1]).all())


def read_picture(path: Path, grey: bool) -> np.ndarray:
    """Reads a picture.

    Args:
        path: The file.
        grey: Whether it becomes grey, or else colour.

    Returns:
        uint8 `[h, w, c]`.

    Raises:
        DataError: If it cannot be read.
    """
    with _opened(path) as picture:
        upright = ImageOps.exif_transpose(picture) or picture
        if upright.mode in _SIXTEEN_BITS:
            values = np.asarray(upright).astype(np.int64).clip(0, 65535)
            upright = Image.fromarray((values / 257).round().astype(np.uint8))
        if upright.mode in ("LA", "PA", "RGBA") or "transparency" in upright.info:
            upright = upright.convert("RGBA")
            white = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(white, upright)
        pixels = np.asarray(upright.convert("L" if grey else "RGB"))
        return pixels[..., np.newaxis] if grey else pixels


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Opens a picture; whatever goes wrong until it is closed is a `DataError`."""
    try:
        with open_file(path) as file, Image.open(file, formats=_FORMATS) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise DataError(
                    f"{named(path)}: expected a picture of at most {_MOST_PIXELS} "
                    f"pixels, received {picture.width} x {picture.height}"
                )
            yield picture
    except DataError:
        raise
    except Exception as error:  # a damaged picture can raise anything
        own = isinstance(error, GTNError)
        kind = f"{error}" if own else first_line(error).replace("\n", " ")
        raise DataError(
            f"{named(path)}: expected a whole picture (PNG, JPEG, GIF, BMP or WebP), "
            f"received: {kind}"
        ) from None


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Pillow warns of no odd metadata, and refuses what would fill the memory."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata, one by one
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield
