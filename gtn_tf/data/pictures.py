"""Picture files of one data set: mixed sizes and modes to one array of bytes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from gtn_tf.bounded_npz import open_file
from gtn_tf.data.errors import DataError, named
from gtn_tf.data.memory import expect_fits
from gtn_tf.data.resizing import resize_pixels
from gtn_tf.data.source import Sizes
from gtn_tf.errors import ArgumentError, GTNError, first_line, not_one_of
from gtn_tf.names import ON_ERROR

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")

_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
_GREY = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L")
_SIXTEEN_BITS = ("I", "I;16", "I;16B", "I;16L")
_MOST_PIXELS = 2**26  # of a picture; a header of a few bytes can claim any number
_ORIENTATION = 0x0112  # the tag of EXIF; 5 to 8 turn height to width
_SHOWN = 3  # files named in a remark


class Pictures(NamedTuple):
    """The pictures that could be read.

    Args:
        images: uint8 `[n, height, width, channels]`.
        kept: Places of these pictures among those that were asked for, `[n]`.
        sizes: How many there are of each size, before resizing.
        remarks: What was left out or changed, a sentence each.
    """

    images: np.ndarray
    kept: np.ndarray
    sizes: Sizes
    remarks: tuple[str, ...]


class _Header(NamedTuple):
    size: tuple[int, int]
    is_grey: bool
    bits: int


def read_pictures(
    paths: Sequence[Path],
    size: tuple[int, int] | None = None,
    resize: str = "area",
    on_error: str = "stop",
) -> Pictures:
    """Reads picture files, upright, in grey if all of them are, else in colour.

    Transparent parts become white; an animation is its first frame; 16 bits become 8.

    Args:
        paths: PNG, JPEG, GIF, BMP or WebP files.
        size: Height and width that they are resized to; by default they have to have
            one size.
        resize: As for `gtn_tf.data.resizing.resize_pixels`.
        on_error: What to do about a file that cannot be read: `"stop"`, or `"skip"`
            to leave it out.

    Raises:
        DataError: A file cannot be read and `on_error` is `"stop"`, none can be read,
            the sizes differ and there is no `size`, or the memory is too small.

    Example:

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "grey.png"
    >>> Image.new("L", (6, 4), color=9).save(path)
    >>> read_pictures([path], size=(2, 2)).images.ravel().tolist()
    [9, 9, 9, 9]
    """
    if on_error not in ON_ERROR:
        raise ArgumentError(not_one_of("on_error", on_error, ON_ERROR), "on_error")
    with _quiet_pillow(), ThreadPoolExecutor() as pool:
        found = [*pool.map(_header, paths)]
        headers = {n: x for n, x in enumerate(found) if isinstance(x, _Header)}
        broken = {n: x for n, x in enumerate(found) if isinstance(x, DataError)}
        _expect_some(paths, headers, broken, on_error)
        grey = all(one.is_grey for one in headers.values())
        height, width = size or _common_size(paths, headers)
        shape = [len(paths), height, width, 1 if grey else 3]
        expect_fits(shape)
        images = np.empty(shape, np.uint8)

        def fill(n: int) -> DataError | None:
            try:
                pixels = _read(paths[n], grey)[np.newaxis]
            except DataError as error:
                return error
            images[n] = resize_pixels(pixels, (height, width), resize)[0]
            return None

        problems = zip(headers, pool.map(fill, headers))
        broken.update({n: problem for n, problem in problems if problem is not None})
    kept = np.array([n for n in headers if n not in broken], np.int64)
    _expect_some(paths, kept, broken, on_error)
    sizes: Sizes = {}
    for n in kept.tolist():
        sizes[headers[n].size] = sizes.get(headers[n].size, 0) + 1
    remarks = [*_skipped(broken), *_converted([headers[n] for n in kept.tolist()])]
    whole = images if len(kept) == len(paths) else images[kept]
    return Pictures(whole, kept, sizes, tuple(remarks))


def _expect_some(
    paths: Sequence[Path],
    kept: Sequence[int] | np.ndarray | dict[int, _Header],
    broken: dict[int, DataError],
    on_error: str,
) -> None:
    if broken and on_error == "stop":
        others = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        raise DataError(
            f"{broken[min(broken)]}{others}; repair or remove it, or leave such files "
            "out by on_error: skip"
        )
    if not len(kept):
        first = f": {broken[min(broken)]}" if broken else ""
        raise DataError(
            f"expected pictures that can be read, received {len(paths)} that cannot"
            f"{first}"
        )


def _header(path: Path) -> _Header | DataError:
    try:
        with _opened(path) as picture:
            width, height = picture.size
            turned = picture.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
            size = (width, height) if turned else (height, width)
            return _Header(
                size, _is_grey(picture), 16 if picture.mode in _SIXTEEN_BITS else 8
            )
    except DataError as error:
        return error


def _is_grey(picture: Image.Image) -> bool:
    if picture.mode != "P":
        return picture.mode in _GREY
    colours = np.reshape(picture.getpalette("RGB") or [], [-1, 3])
    return bool((colours == colours[:, :1]).all())


def _read(path: Path, grey: bool) -> np.ndarray:
    """The picture, uint8 `[h, w, c]`."""
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
def _quiet_pillow() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata, one by one
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _common_size(paths: Sequence[Path], headers: dict[int, _Header]) -> tuple[int, int]:
    first: dict[tuple[int, int], Path] = {}
    for n, header in headers.items():
        first.setdefault(header.size, paths[n])
    if len(first) == 1:
        return next(iter(first))
    (small, a), *_, (large, b) = sorted(first.items(), key=lambda one: one[0])
    raise DataError(
        f"expected pictures of one size, received {len(first)} sizes, from "
        f"{small[0]} x {small[1]} ({named(a)}) to {large[0]} x {large[1]} "
        f"({named(b)}); give image_size, such as 32"
    )


def _skipped(broken: dict[int, DataError]) -> list[str]:
    if not broken:
        return []
    shown = "; ".join(str(broken[n]) for n in sorted(broken)[:_SHOWN])
    more = "; ..." if len(broken) > _SHOWN else ""
    return [f"{len(broken)} broken files are left out: {shown}{more}"]


def _converted(headers: Sequence[_Header]) -> Iterator[str]:
    grey = sum(one.is_grey for one in headers)
    if 0 < grey < len(headers):
        yield f"{grey} of {len(headers)} pictures are grey: read as colour, as the rest"
    deep = sum(one.bits == 16 for one in headers)
    if deep:
        yield f"{deep} pictures have 16 bits: read as 8"
