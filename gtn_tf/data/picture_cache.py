"""Decoded pictures of a large set in a file: decoded once, and resumed after a kill."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import json
import logging
import math
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TextIO, Union

import numpy as np
import PIL

from gtn_tf.data.errors import DataError, named
from gtn_tf.data.picture_file import Header, read_header
from gtn_tf.data.telling import telling

_LOG = logging.getLogger(__name__)

_VERSION = 1  # of the files, and of what is made of a picture
_CHUNK = 2**24  # bytes: what a kill loses

Decoded = Union[np.ndarray, DataError]  # uint8 [h, w, c]
Decode = Callable[[Sequence[int]], Iterable[Decoded]]  # of the numbers of pictures


class PictureCache:
    """The pixels of picture files, in a folder of their own.

    `pixels.npy` has a row for each picture; `journal` has the headers, and a checksum
    for each chunk of rows. A chunk is trusted if its checksum is right: half-written
    and damaged ones are decoded again.

    The folder is named by the pictures: their paths within the folder that they share,
    sizes, and times of change, of the content and of the file (`mtime` and `ctime`,
    which no archive sets). So a changed picture is found without reading all of them
    at each start, and a folder that was moved as a whole is known again.

    Args:
        paths: The files.
        size: Height and width that they are resized to, if they are.
        resize: How.

    Example:

    >>> cache = PictureCache([Path("a.png"), Path("b.png")], (32, 32), "area")
    >>> cache.headers() is None
    True
    """

    def __init__(
        self, paths: Sequence[Path], size: tuple[int, int] | None, resize: str
    ) -> None:
        self._paths = paths
        self._folder = cache_folder() / "pictures" / _key(paths, size, resize)
        self._has_headers = False

    def headers(self) -> list[Header | DataError] | None:
        """The headers of all pictures; `None` if they are not there."""
        for kind, *content in _records(self._folder / "journal"):
            if kind == "headers":
                self._has_headers = True
                # What could not be read is tried again: it may be another error now.
                return [
                    Header((one[0], one[1]), *one[2:]) if one else read_header(path)
                    for one, path in zip(content[0], self._paths)
                ]
        return None

    def pixels(
        self,
        headers: Sequence[Header | DataError],
        shape: Sequence[int],
        decode: Decode,
    ) -> tuple[np.ndarray, dict[int, DataError]]:
        """Decodes what is not decoded yet, while no other process does.

        Args:
            headers: Of all pictures.
            shape: `[n, height, width, channels]`.
            decode: Decodes some of the pictures.

        Returns:
            uint8 pixels of that shape, memory-mapped, and the pictures that cannot be
            read, whose pixels are 0.

        Raises:
            DataError: If the folder cannot be written, or the disk is full.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with open(self._folder / "lock", "w") as lock:
                _wait_for(lock)
                broken = self._complete(headers, shape, decode)
            file = self._folder / "pixels.npy"
            offset = len(_npy_header(shape))
            return np.memmap(file, np.uint8, "r", offset, tuple(shape)), broken
        except OSError as error:
            raise DataError(
                f"{named(self._folder)}: expected a folder to write "
                f"{math.prod(shape) / 1e9:.3g} GB of decoded pictures to: "
                f"{error.strerror}; make room, or name another by GTN_TF_CACHE"
            ) from None

    def _complete(
        self,
        headers: Sequence[Header | DataError],
        shape: Sequence[int],
        decode: Decode,
    ) -> dict[int, DataError]:
        count, width = shape[0], math.prod(shape[1:])
        rows = max(1, _CHUNK // width)
        chunks = [range(n, min(n + rows, count)) for n in range(0, count, rows)]
        first = _npy_header(shape)
        path, journal = self._folder / "pixels.npy", self._folder / "journal"
        path.touch()
        with open(path, "r+b") as file, open(journal, "ab") as lines:
            if file.read(len(first)) != first:
                file.seek(0)
                file.write(first)
            broken, missing = _trusted(file, len(first), width, chunks, journal, decode)
            _expect_room(path, len(first) + count * width)
            if missing or not self._has_headers:
                plain = [
                    None if isinstance(x, DataError) else _flat(x) for x in headers
                ]
                _add(lines, ["headers", plain])
            done = count - sum(map(len, missing))
            if missing:
                before = f", {done} of them before" if done else ""
                _LOG.info(
                    "decoding %d pictures once, into %s%s ...",
                    *(count, self._folder, before),
                )
            for chunk in telling(missing, "decoded", count, done, len):
                pixels, errors = decoded(chunk, shape[1:], decode)
                file.seek(len(first) + chunk.start * width)
                file.write(pixels.data)
                file.flush()
                checksum = zlib.crc32(pixels.data)
                _add(lines, ["chunk", chunk.start, chunk.stop, checksum, [*errors]])
                broken.update(errors)
            if missing:
                _LOG.info("decoded all of them")
            file.truncate(len(first) + count * width)
        return broken


def cache_folder() -> Path:
    """Where what can be made again is kept.

    That is what the environment variable `GTN_TF_CACHE` names, or else `gtn_tf` in
    `XDG_CACHE_HOME` or in `~/.cache`.
    """
    own = os.environ.get("GTN_TF_CACHE")
    shared = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expanduser(own or os.path.join(shared, "gtn_tf")))


def decoded(
    rows: Sequence[int], shape: Sequence[int], decode: Decode
) -> tuple[np.ndarray, dict[int, DataError]]:
    """Decodes pictures into one array.

    Args:
        rows: Their numbers.
        shape: `[height, width, channels]`.
        decode: Decodes some of the pictures.

    Returns:
        uint8 `[n, *shape]`, and the pictures that cannot be read, whose pixels are 0.
    """
    pixels = np.zeros([len(rows), *shape], np.uint8)
    broken = {}
    for n, (row, one) in enumerate(zip(rows, decode(rows))):
        if isinstance(one, DataError):
            broken[row] = one
        else:
            pixels[n] = one
    return pixels, broken


def _key(paths: Sequence[Path], size: tuple[int, int] | None, resize: str) -> str:
    absolute = [os.path.abspath(path) for path in paths]
    shared = len(os.path.commonpath([os.path.dirname(path) for path in absolute]))
    # Another Pillow may decode a JPEG otherwise.
    key = hashlib.sha256(f"{_VERSION} {PIL.__version__} {size} {resize}".encode())
    for path in absolute:
        key.update(f"\0{path[shared:]}\0{_state(path)}".encode("utf-8", "replace"))
    return key.hexdigest()[:32]


def _state(path: str) -> str:
    try:
        found = os.stat(path)
    except OSError:
        return ""
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def _npy_header(shape: Sequence[int]) -> bytes:
    header = io.BytesIO()
    content = {"descr": "|u1", "fortran_order": False, "shape": tuple(shape)}
    np.lib.format.write_array_header_1_0(header, content)
    return header.getvalue()


def _flat(header: Header) -> list[Any]:
    return [*header.size, *header[1:]]


def _add(lines: BinaryIO, record: Any) -> None:
    """Adds a line with its checksum; the line before may be half-written."""
    text = json.dumps(record).encode()
    lines.write(b"\n%08x %s\n" % (zlib.crc32(text), text))
    lines.flush()


def _records(journal: Path) -> Iterator[Any]:
    """What the whole lines say, the last ones first."""
    try:
        lines = journal.read_bytes().split(b"\n")
    except OSError:
        return
    for line in reversed(lines):
        checksum, _, text = line.partition(b" ")
        if checksum == b"%08x" % zlib.crc32(text):
            yield json.loads(text)


def _trusted(
    file: BinaryIO,
    start: int,
    width: int,
    chunks: Sequence[range],
    journal: Path,
    decode: Decode,
) -> tuple[dict[int, DataError], list[range]]:
    """The broken pictures of the chunks that are there, and the other chunks."""
    # The last record of a chunk is right; it comes first.
    known: dict[tuple[int, int], tuple[int, list[int]]] = {}
    for kind, *content in _records(journal):
        if kind == "chunk":
            begin, end, checksum, errors = content
            known.setdefault((begin, end), (checksum, errors))
    broken: dict[int, DataError] = {}
    missing = []
    for chunk in chunks:
        checksum, errors = known.get((chunk.start, chunk.stop), (None, []))
        file.seek(start + chunk.start * width)
        if checksum == zlib.crc32(file.read(len(chunk) * width)):
            # Read again for their messages; one that can be read now is missing.
            again = zip(errors, decode(errors))
            still = {row: one for row, one in again if isinstance(one, DataError)}
            if len(still) == len(errors):
                broken.update(still)
                continue
        missing.append(chunk)
    return broken, missing


def _expect_room(path: Path, size: int) -> None:
    lacking = size - path.stat().st_size
    if lacking > shutil.disk_usage(path).free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def _wait_for(lock: TextIO) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _LOG.info("waiting for another process, which decodes the same pictures ...")
        fcntl.flock(lock, fcntl.LOCK_EX)
