"""CSV files as on Kaggle: a label and pixels in each line, or a label and a path."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gtn_tf.bounded_npz import open_file
from gtn_tf.data.csv_columns import (
    find_columns,
    is_number,
    is_picture,
    names_columns,
)
from gtn_tf.data.errors import DataError, named
from gtn_tf.data.picture_file import SUFFIXES
from gtn_tf.errors import GTNError, first_line, shown

_INFINITE = 1e30


class Table(NamedTuple):
    """The examples of a CSV file.

    Args:
        labels: The label of each, `[n]`: integers, if all of them are.
        images: Pixels `[n, h, w, c]`; `None` where there are paths.
        paths: Pictures; empty where there are pixels.
        remarks: What is left out, a sentence each.
    """

    labels: np.ndarray
    images: np.ndarray | None
    paths: list[Path]
    remarks: tuple[str, ...]


def read_table(
    path: Path,
    label_column: str = "",
    image_shape: Sequence[int] = (),
    may_lack_labels: bool = False,
) -> Table | None:
    """Reads a CSV file.

    Args:
        path: The file. Its first line names the columns; without such a line, the
            label comes first and pixels follow.
        label_column: Name of the labels' column; by default one that is called label,
            class or the like.
        image_shape: Height and width, and channels if there are several, of a line of
            pixels; by default they are square, with 1 or 3 channels.
        may_lack_labels: Whether a file without labels is expected, too.

    Returns:
        The examples; `None` if the file has no labels, as Kaggle's test.csv.

    Raises:
        DataError: If it is not such a file, a line is too short or too long, or what
            should be a pixel is none.

    Example:

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "train.csv"
    >>> _ = path.write_text("label,p0,p1,p2,p3\\n7,0,0,9,255\\n3,1,1,1,1\\n")
    >>> table = read_table(path)
    >>> table.labels, table.images.shape
    (array([7, 3]), (2, 2, 2, 1))
    """
    with _lines(path) as lines:
        start, first = next(lines, (1, []))
        header = first if names_columns(first) else []
        examples = itertools.chain([] if header else [(start, first)], lines)
        start, example = next(examples, (start, []))
        if not example:
            raise DataError("expected a line for each image, found none")
        _expect_width(start, example, first)
        columns = find_columns(header, example, label_column, may_lack_labels)
        if columns is None:
            return None
        labels: list[str] = []
        rows: list[np.ndarray] = []
        paths: list[str] = []
        for number, cells in itertools.chain([(start, example)], examples):
            _expect_width(number, cells, first)
            labels.append(cells[columns.label].strip())
            if not labels[-1]:
                raise DataError(
                    f"line {number}: expected a label, received an empty cell; give "
                    "one or remove the line"
                )
            if columns.path is None:
                rows.append(_pixels([cells[n] for n in columns.pixels], number))
            else:
                paths.append(cells[columns.path].strip())
        numbers = _numbers_or_text(labels)
        if columns.path is not None:
            found = _find_all(paths, path)
            return Table(numbers, None, found, columns.remarks)
        images = np.stack(rows).reshape([-1, *_shape(len(rows[0]), image_shape)])
        return Table(numbers, images, [], columns.remarks)


@contextlib.contextmanager
def _lines(path: Path) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """The lines that are not empty, with their numbers; errors name the file."""
    try:
        with open_file(path) as file:
            text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
            start = text.readline(2**20)
            delimiter = max(",;\t", key=start.count)
            text.seek(0)
            reader = csv.reader(text, delimiter=delimiter)
            yield ((reader.line_num, cells) for cells in reader if cells)
    except DataError as error:
        comma = "," if str(error).startswith("line ") else ":"
        raise DataError(f"{named(path)}{comma} {error}") from None
    except (csv.Error, OSError, UnicodeDecodeError, GTNError) as error:
        told = str(error) if isinstance(error, GTNError) else first_line(error)
        raise DataError(f"{named(path)}: expected a CSV file: {told}") from None


def _expect_width(number: int, cells: Sequence[str], first: Sequence[str]) -> None:
    if len(cells) != len(first):
        raise DataError(
            f"line {number}: expected {len(first)} cells, as in the first line, "
            f"received {len(cells)}; repair or remove the line"
        )


def _pixels(cells: Sequence[str], number: int) -> np.ndarray:
    """A line of pixels: bytes, if they are, for a data set of them is large."""
    with contextlib.suppress(ValueError, OverflowError):  # the usual case, and fast
        return np.frombuffer(bytes(map(int, cells)), np.uint8)
    try:
        try:
            values = np.array([int(cell) for cell in cells], np.int64)
        except ValueError:
            values = np.array([float(cell) for cell in cells])
    except (ValueError, OverflowError):
        wrong = next((x for x in cells if not is_number(x)), max(cells, key=len))
        raise DataError(
            f"line {number}: expected numbers as pixels, received "
            f"{shown(wrong)}; name the labels' column by label_column, or remove the "
            "line"
        ) from None
    if values.dtype.kind == "i":
        return values
    if not (np.abs(values) < _INFINITE).all():  # nor is NaN
        raise DataError(
            f"line {number}: expected finite pixels, received NaN or "
            "infinity; remove the line"
        )
    return values.astype(np.float32)


def _shape(count: int, image_shape: Sequence[int]) -> tuple[int, ...]:
    if image_shape:
        height, width, *channels = image_shape
        shape = (height, width, *(channels or [1]))
        if math.prod(shape) != count:
            raise DataError(
                f"expected {math.prod(shape)} pixels in a line for "
                f"image_shape {list(shape)}, received {count}"
            )
        return shape
    for depth in (1, 3):
        side = math.isqrt(count // depth)
        if side and side * side * depth == count:
            return side, side, depth
    raise DataError(
        f"expected lines of as many pixels as a square has, received "
        f"{count}; give image_shape, as height and width, and channels if there are "
        "several"
    )


def _numbers_or_text(labels: list[str]) -> np.ndarray:
    """Integers, if no label looks otherwise: 01 and 1 are two classes."""
    with contextlib.suppress(ValueError, OverflowError):
        numbers = np.array([int(label) for label in labels], np.int64)
        if [*map(str, numbers.tolist())] == labels:
            return numbers
    return np.array(labels)


def _find_all(texts: Sequence[str], table: Path) -> list[Path]:
    """The pictures: beside the file, or in a folder beside it.

    Kaggle's names may lack the suffix. Where there is no picture, the path is the one
    that it should have.
    """
    folders = [table.parent, table.parent / table.stem, table.parent / "images"]
    found = []
    for text in texts:
        suffixes = ("",) if is_picture(text) else ("", *SUFFIXES)
        places = [folder / f"{text}{one}" for folder in folders for one in suffixes]
        found.append(next((x for x in places if x.is_file()), places[0]))
    return found
