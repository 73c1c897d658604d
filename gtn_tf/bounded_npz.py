"""Npz files from strangers: nothing is decompressed before its size is known.

A few bytes can claim to be terabytes: in the directory of the archive, in the header of
an array, or by how well zeros compress. All three are checked first.
"""

from __future__ import annotations

import io
import math
import os
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple

import numpy as np

from gtn_tf.errors import ArgumentError, shown

_MOST_ENTRIES = 64
_MOST_HEADER = 10_000  # bytes, as in NumPy itself
_MOST_AXES = 8
MOST_RATIO = 1100  # deflate makes at most 1032 bytes of one
_END = struct.Struct("<4s4H2LH")  # the end of a zip archive's directory


class Header(NamedTuple):
    """What an array claims to be.

    Args:
        shape: Its shape.
        dtype: Its type, never Python objects.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """Bytes of the array in memory; an empty string counts as one."""
        return math.prod(self.shape) * max(self.dtype.itemsize, 1)


class BoundedNpz:
    """An open npz file, from `open_npz`."""

    def __init__(self, file: IO[bytes]) -> None:
        self._size = _expect_small_directory(file)
        self._archive = zipfile.ZipFile(file)
        self.names = [
            one[:-4] for one in self._archive.namelist() if one.endswith(".npy")
        ]
        if len(set(self.names)) != len(self.names):
            raise ArgumentError("expected each array once, received two of one name")

    def header(self, name: str) -> Header:
        """Reads what an array claims to be.

        Args:
            name: One of `names`.

        Raises:
            ArgumentError: If it is an array of Python objects, or needs more memory
                than its compressed bytes can fill.
        """
        about = self._archive.getinfo(f"{name}.npy")
        with self._archive.open(about) as member:
            start = io.BytesIO(member.read(_MOST_HEADER))
        version = np.lib.format.read_magic(start)
        if version not in _READERS:
            raise ArgumentError(f"{name}: expected npy format 1 or 2, not {version}")
        read_header: Callable[..., Any] = _READERS[version]
        shape, _, dtype = read_header(start)
        header = Header(shape, dtype)
        if dtype.hasobject:
            raise ArgumentError(f"{name}: expected numbers or text, received pickles")
        if len(shape) > _MOST_AXES or min(shape, default=0) < 0:
            raise ArgumentError(f"{name}: expected a shape, received {shown(shape)}")
        compressed = min(about.compress_size, self._size)
        if header.nbytes > MOST_RATIO * compressed:
            raise ArgumentError(
                f"{name}: expected what {compressed} compressed bytes can hold, "
                f"received {shown(shape)} of {dtype}"
            )
        return header

    def read(self, name: str, most_bytes: int) -> np.ndarray:
        """Reads an array, if it is not too large.

        Args:
            name: One of `names`.
            most_bytes: The most memory that it may take.

        Raises:
            ArgumentError: If it is larger, or is not what its header claims.
        """
        header = self.header(name)
        if header.nbytes > most_bytes:
            raise ArgumentError(
                f"{name}: expected at most {most_bytes} bytes, received "
                f"{shown(header.shape)} of {header.dtype}"
            )
        with self._archive.open(f"{name}.npy") as member:
            array = np.lib.format.read_array(member, allow_pickle=False)
            if member.read(1):  # also where zipfile compares the checksum
                raise ArgumentError(f"{name}: expected an array, received more bytes")
        return array


@contextmanager
def open_npz(path: str | os.PathLike[str]) -> Iterator[BoundedNpz]:
    """Opens an npz file and its directory.

    Args:
        path: The file.

    Raises:
        ArgumentError: If it is not an npz file, or its directory is too large. zipfile
            and NumPy do not document what else a damaged file raises.

    Example:

    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/zeros.npz"
    >>> np.savez_compressed(path, zeros=np.zeros(10**6))
    >>> with open_npz(path) as npz:
    ...     npz.read("zeros", most_bytes=10)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    gtn_tf.errors.ArgumentError: zeros: expected at most 10 bytes, received (10...
    """
    with open_file(path) as file:
        yield BoundedNpz(file)


def open_file(path: str | os.PathLike[str]) -> IO[bytes]:
    """Opens an ordinary file; a pipe or a device might never end.

    Args:
        path: The file.

    Raises:
        ArgumentError: If it is another kind of file.
        OSError: If it cannot be opened.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ArgumentError("expected an ordinary file, received another kind")
    return open(path, "rb")


def _expect_small_directory(file: IO[bytes]) -> int:
    """Checks before zipfile makes an object per entry; returns the file's size."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - (1 << 16) - _END.size))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < _END.size:
        raise ArgumentError("expected a whole npz file, received no zip archive")
    entries, directory = _END.unpack_from(tail, at)[4:6]
    if entries > _MOST_ENTRIES or directory > _MOST_ENTRIES * 1024:
        raise ArgumentError(f"expected at most {_MOST_ENTRIES} arrays")
    if tail[:at][-20:].startswith(b"PK\6\7"):  # another directory, for huge archives
        raise ArgumentError("expected an archive of less than 4 GB")
    return size


_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
