"""Reading back what runs wrote, which may have been damaged since."""

from __future__ import annotations

import csv
import io
import json
import math
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gtn_tf.errors import GTNError, first_line, shown

_WIDEST = 10_000  # pixels of a picture, at most ten times as high
LARGEST = 2**26  # bytes; the largest that a recipe has left is a hundredth of it
_REMEDY = "move it away and start the same command again"


class RunError(GTNError, RuntimeError):
    """A run directory that cannot be used. Its message is one line."""


def read_bytes(path: Path, kind: str = "a file") -> bytes:
    """Reads a file of ordinary size.

    Args:
        path: The file.
        kind: What is expected, for the error.

    Raises:
        RunError: If there is no such file, or if it is endless, too large or
            unreadable.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise RunError(f"{path}: expected {kind}, found a folder or a device")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise RunError(f"{path}: expected {kind}: {error.strerror}") from None
    if len(content) > LARGEST:
        raise RunError(f"{path}: expected {kind} of at most {LARGEST} bytes")
    return content


def read_cells(path: Path) -> list[list[str]]:
    """Reads the lines of a CSV file.

    Args:
        path: The file.

    Raises:
        RunError: If it cannot be read or holds something else.
    """
    try:
        text = read_bytes(path, "a CSV file").decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text, newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise damaged(path, f"not CSV, {first_line(error)}") from None


def read_rows(path: Path) -> list[dict[str, str]]:
    """Reads a table in CSV, whose first line names the columns.

    Args:
        path: The file.

    Raises:
        RunError: If it cannot be read, or a line has more or fewer cells than the
            first.
    """
    header, *lines = read_cells(path) or [[]]
    for number, line in enumerate(lines, start=2):
        if len(line) != len(header):
            raise RunError(
                f"{path}, line {number}: expected {len(header)} cells, found "
                f"{len(line)}; move the file away if it is damaged"
            )
    return [dict(zip(header, line)) for line in lines]


def read_json(path: Path, remedy: str = _REMEDY) -> Any:
    """Reads a JSON file.

    Args:
        path: The file.
        remedy: What to do if it is damaged.

    Raises:
        RunError: If it cannot be read or holds something else.
    """
    try:
        return json.loads(read_bytes(path, "a JSON file").decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"not JSON, {first_line(error)}", remedy) from None


def read_column(path: Path, name: str) -> list[float]:
    """Reads the numbers of a column of a table in CSV.

    Args:
        path: The file.
        name: Of the column.

    Returns:
        No number if there is no such file: no line was written yet.

    Raises:
        RunError: If it cannot be read or holds something else.
    """
    if not path.exists():
        return []
    try:
        return [float(row[name]) for row in read_rows(path)]
    except (KeyError, ValueError) as error:
        raise damaged(path, first_line(error)) from None


def read_samples(path: Path) -> tuple[np.ndarray, int, list[str]]:
    """Reads an npz file with the grid of a curriculum.

    Args:
        path: The file.

    Returns:
        Pixels, uint8 `[h, w, c]`, the number of inner steps, and the classes' names.

    Raises:
        RunError: If it cannot be read or holds something else. The arrays' sizes are
            checked before any is unpacked.
    """
    content = io.BytesIO(read_bytes(path, "an npz file"))
    try:
        with zipfile.ZipFile(content) as packed:
            if sum(one.file_size for one in packed.infolist()) > LARGEST:
                raise ValueError(f"more than {LARGEST} bytes when unpacked")
            found = {n: _array(packed, n) for n in ("grid", "steps", "class_names")}
    except Exception as error:  # a damaged file can raise anything
        raise damaged(path, first_line(error)) from None
    grid, steps, names = found.values()
    sound = grid.dtype == np.uint8 and grid.ndim == 3 and grid.shape[2] in (1, 3)
    if not sound or not 1 <= grid.shape[0] <= 10 * grid.shape[1] <= 10 * _WIDEST:
        raise damaged(
            path, f"expected a grid of pixels, found {grid.dtype}{grid.shape}"
        )
    if steps.shape or steps.dtype.kind not in "iu" or not 1 <= steps < 2**31:
        raise damaged(path, f"expected a number of steps, found {shown(steps)}")
    if (
        names.ndim != 1
        or names.dtype.kind != "U"
        or not 1 <= len(names) <= grid.shape[0]
    ):
        raise damaged(path, f"expected names of classes, found {shown(names)}")
    return grid, int(steps), names.tolist()


def _array(packed: zipfile.ZipFile, name: str) -> np.ndarray:
    # A header may claim more than the file has: numpy then finds too few bytes.
    content = io.BytesIO(packed.read(f"{name}.npy"))
    version = np.lib.format.read_magic(content)
    readers: dict[tuple[int, int], Callable[..., Any]] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    shape, _, dtype = readers[version](content)
    if math.prod(shape) * dtype.itemsize > LARGEST:
        raise ValueError(f"{name}: more than {LARGEST} bytes")
    content.seek(0)
    return np.lib.format.read_array(content, allow_pickle=False)


def damaged(path: Path, problem: str, remedy: str = _REMEDY) -> RunError:
    """The error of a file that is not what a job wrote.

    Args:
        path: The file.
        problem: What is wrong.
        remedy: What to do.
    """
    return RunError(f"{path}: damaged ({problem}); {remedy}")
