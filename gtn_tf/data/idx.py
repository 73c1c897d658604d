"""The IDX format of MNIST: a big-endian header, then unsigned bytes."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from gtn_tf.data.errors import DataError

# The magic number of unsigned bytes, to which the number of axes is added.
_UBYTE = 0x0800


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
    content = _read(path)
    header = 4 + 4 * ndim
    if len(content) < header:
        raise DataError(
            f"{path}: truncated header, expected at least {header} bytes, "
            f"received {len(content)}"
        )
    magic, *shape = (int(n) for n in np.frombuffer(content, ">u4", count=1 + ndim))
    if magic != _UBYTE + ndim:
        raise DataError(
            f"{path}: wrong magic number, expected {_UBYTE + ndim}, received {magic}"
        )
    expected = header + math.prod(shape)
    if len(content) != expected:
        raise DataError(
            f"{path}: wrong length, expected {expected} bytes for shape {shape}, "
            f"received {len(content)}"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _read(path: Path) -> bytes:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as stream:
            return stream.read()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}: cannot be read, expected a whole IDX file, received: {error}"
        ) from error
