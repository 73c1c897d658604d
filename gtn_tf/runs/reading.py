"""Reading back what runs wrote, which may have been damaged since."""

from __future__ import annotations

import csv
import io
import json
import stat
from pathlib import Path
from typing import Any

from gtn_tf.errors import first_line
from gtn_tf.runs.directory import RunError

LARGEST = 2**26  # bytes; the largest that a recipe has left is a hundredth of it


def read_bytes(path: Path, kind: str = "a file") -> bytes:
    """Reads a file of ordinary size.

    Args:
        path: The file.
        kind: What it is to be, for the error.

    Raises:
        RunError: If there is no such file, if it has no end or is too large, or if it
            cannot be read.
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
        text = read_bytes(path, "a CSV file").decode("utf-8")
        return list(csv.reader(io.StringIO(text, newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise damaged(path, f"not CSV, {first_line(error)}") from None


def read_rows(path: Path) -> list[dict[str, str]]:
    """Reads a table in CSV, whose first line names the columns.

    Args:
        path: The file.

    Raises:
        RunError: If it cannot be read, or a line has not as many cells as the first.
    """
    header, *lines = read_cells(path) or [[]]
    for number, line in enumerate(lines, start=2):
        if len(line) != len(header):
            raise RunError(
                f"{path}, line {number}: expected {len(header)} cells, found "
                f"{len(line)}; move the file away if it is damaged"
            )
    return [dict(zip(header, line)) for line in lines]


def read_json(path: Path) -> Any:
    """Reads a JSON file.

    Args:
        path: The file.

    Raises:
        RunError: If it cannot be read or holds something else.
    """
    try:
        return json.loads(read_bytes(path, "a JSON file").decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"not JSON, {first_line(error)}") from None


def damaged(path: Path, problem: str) -> RunError:
    """The error of a file that is not what a job wrote.

    Args:
        path: The file.
        problem: What is wrong.
    """
    return RunError(
        f"{path}: damaged ({problem}); move it away and start the same command again"
    )
