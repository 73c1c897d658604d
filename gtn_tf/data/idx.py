"""The IDX format of MNIST: a big-endian header, then unsigned bytes."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from gtn_tf.bounded_npz import MOST_RATIO, open_file
from gtn_tf.data.errors import DataError
from gtn_tf.errors import ArgumentError, first_line

# The magic number of unsigned bytes, to which the number of axes is added.
_UBYTE = 0x0800
_MOST_BYTES = 2**30


def read_idx(path: Path, ndim: int) -> np.ndarray:
    """Reads one IDX file of unsigned bytes.

    Args:
        path: The file; it is decompressed when its name ends in `.gz`.
        ndim: Number of axes expected: 3 for images, 1 for labels.

    Returns:
        uint8 array with `ndim` axes, read-only.

    Raises:
        DataError: The file cannot be read or decompressed, its magic number is not
            that of unsigned bytes with `ndim` axes, or its length is not the one
            its header announces.

    Example:

    >>> import pathlib, tempfile
    >>> from gtn_tf.data.idx import read_idx
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "labels"
    >>> _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 5]))
    >>> read_idx(path, ndim=1)
    array([7, 5], dtype=uint8)
    """
    try:
        with open_file(path) as file:
            size = os.stat(path).st_size
            if path.suffix != ".gz":
                return _read(file, path, ndim, size)
            with gzip.open(file) as stream:
                return _read(stream, path, ndim, MOST_RATIO * size)
    except (ArgumentError, OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}: cannot be read, expected a whole IDX file, received: "
            f"{first_line(error)}"
        ) from error


def _read(
    stream: IO[bytes] | gzip.GzipFile, path: Path, ndim: int, most: int
) -> np.ndarray:
    header = stream.read(4 + 4 * ndim)
    if len(header) < 4 + 4 * ndim:
        raise DataError(
            f"{path}: truncated header, expected at least {4 + 4 * ndim} bytes, "
            f"received {len(header)}"
        )
    magic, *shape = (int(n) for n in np.frombuffer(header, ">u4"))
    if magic != _UBYTE + ndim:
        raise DataError(
            f"{path}: wrong magic number, expected {_UBYTE + ndim}, received {magic}"
        )
    expected = math.prod(shape)
    # No more memory is taken than the file can fill, whatever its header claims.
    content = stream.read(min(expected + 1, most, _MOST_BYTES))
    if len(content) != expected:
        more = "more" if len(content) > expected else len(header) + len(content)
        raise DataError(
            f"{path}: wrong length, expected {len(header) + expected} bytes for shape "
            f"{shape}, received {more}"
        )
    return np.frombuffer(content, np.uint8).reshape(shape)
