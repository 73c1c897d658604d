"""Picture files of one data set: mixed sizes and modes to one array of bytes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gtn_tf.data.errors import DataError, named
from gtn_tf.data.memory import expect_fits
from gtn_tf.data.picture_cache import Decoded, PictureCache, decoded
from gtn_tf.data.picture_file import Header, quiet_pillow, read_header, read_picture
from gtn_tf.data.resizing import resize_pixels
from gtn_tf.data.source import Sizes
from gtn_tf.data.stored_images import Images, StoredImages, is_large, take
from gtn_tf.data.telling import telling
from gtn_tf.errors import ArgumentError, not_one_of
from gtn_tf.names import ON_ERROR

_SHOWN = 3  # files named in a remark


class Pictures(NamedTuple):
    """The pictures that could be read.

    Args:
        images: uint8 `[n, height, width, channels]`; those of a large set are in the
            cache.
        kept: Places of these pictures among those that were asked for, `[n]`.
        sizes: How many there are of each size, before resizing.
        remarks: What was left out or changed, a sentence each.
    """

    images: Images
    kept: np.ndarray
    sizes: Sizes
    remarks: tuple[str, ...]


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
    >>> from PIL import Image
    >>> path = Path(tempfile.mkdtemp()) / "grey.png"
    >>> Image.new("L", (6, 4), color=9).save(path)
    >>> read_pictures([path], size=(2, 2)).images.ravel().tolist()
    [9, 9, 9, 9]
    """
    if on_error not in ON_ERROR:
        raise ArgumentError(not_one_of("on_error", on_error, ON_ERROR), "on_error")
    cache = PictureCache(paths, size, resize)
    with quiet_pillow(), ThreadPoolExecutor() as pool:
        found = cache.headers() or [
            *telling(pool.map(read_header, paths), "looked at", len(paths))
        ]
        headers = {n: x for n, x in enumerate(found) if isinstance(x, Header)}
        broken = {n: x for n, x in enumerate(found) if isinstance(x, DataError)}
        _expect_some(paths, headers, broken, on_error)
        grey = all(one.is_grey for one in headers.values())
        height, width = size or _common_size(paths, headers)
        shape = [len(paths), height, width, 1 if grey else 3]

        def decode_one(n: int) -> Decoded:
            if n in broken:
                return broken[n]
            try:
                pixels = read_picture(paths[n], grey)[np.newaxis]
            except DataError as error:
                return error
            return resize_pixels(pixels, (height, width), resize)[0]

        def decode(rows: Sequence[int]) -> Iterable[Decoded]:
            return pool.map(decode_one, rows)

        images: Images
        if is_large(math.prod(shape)):
            stored, failed = cache.pixels(found, shape, decode)
            images = StoredImages(stored)
        else:
            expect_fits(shape)
            images, failed = decoded(range(len(paths)), shape[1:], decode)
    kept = np.array([n for n in headers if n not in failed], np.int64)
    _expect_some(paths, kept, failed, on_error)
    sizes: Sizes = {}
    for n in kept.tolist():
        sizes[headers[n].size] = sizes.get(headers[n].size, 0) + 1
    remarks = [*_skipped(failed), *_converted([headers[n] for n in kept.tolist()])]
    whole = images if len(kept) == len(paths) else take(images, kept)
    return Pictures(whole, kept, sizes, tuple(remarks))


def _expect_some(
    paths: Sequence[Path],
    kept: Sequence[int] | np.ndarray | dict[int, Header],
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


def _common_size(paths: Sequence[Path], headers: dict[int, Header]) -> tuple[int, int]:
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


def _converted(headers: Sequence[Header]) -> Iterator[str]:
    grey = sum(one.is_grey for one in headers)
    if 0 < grey < len(headers):
        yield f"{grey} of {len(headers)} pictures are grey: read as colour, as the rest"
    deep = sum(one.bits == 16 for one in headers)
    if deep:
        yield f"{deep} pictures have 16 bits: read as 8"
