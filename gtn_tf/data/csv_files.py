"""CSV files as on Kaggle: in each line a label, and pixels, features or a path."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gtn_tf.bounded_npz import open_file
from gtn_tf.data.csv_columns import find_columns, is_picture, names_columns
from gtn_tf.data.csv_numbers import as_images, line_of_features, line_of_pixels
from gtn_tf.data.errors import DataError, named
from gtn_tf.data.features import read_feature_names
from gtn_tf.data.picture_file import SUFFIXES
from gtn_tf.errors import GTNError, first_line


class Table(NamedTuple):
    """The examples of a CSV file.

    Args:
        labels: The label of each, `[n]`: integers, if all of them are.
        images: Pixels `[n, h, w, c]`, or features `[n, features]`; `None` where there
            are paths.
        paths: Pictures; empty where there are numbers.
        remarks: What is left out or may be read otherwise, a sentence each.
        feature_names: Names of the columns of features, if they have any.
    """

    labels: np.ndarray
    images: np.ndarray | None
    paths: list[Path]
    remarks: tuple[str, ...]
    feature_names: tuple[str, ...] = ()


def read_table(
    path: Path,
    label_column: str = "",
    image_shape: Sequence[int] = (),
    may_lack_labels: bool = False,
) -> Table | None:
    """Reads a CSV file.

    Columns called pixel..., or 1x1, 1x2, ... are pixels, and columns of other names
    features. Names that only number the columns, or none, leave it to the numbers:
    they are pixels if they are as many as a square of 8 x 8 or more has, in one or
    three channels, and whole from 0 to 255, or from 0 to 1.

    Args:
        path: The file. Its first line names the columns; without such a line, the
            label is the only text in a line, or else comes first.
        label_column: Name of the labels' column; by default one that is called label,
            class or the like.
        image_shape: Height and width, and channels if there are several, of a line of
            pixels; by default they are square, with 1 or 3 channels. The number of
            features, where they are no pixels, whatever their names.
        may_lack_labels: Whether a file without labels is expected, too.

    Returns:
        The examples; `None` if the file has no labels, as Kaggle's test.csv.

    Raises:
        DataError: If it is not such a file, a line is too short or too long, or what
            should be a number is none.

    Example:

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "train.csv"
    >>> _ = path.write_text("label,1x1,1x2,2x1,2x2\\n7,0,0,9,255\\n3,1,1,1,1\\n")
    >>> table = read_table(path)
    >>> table.labels, table.images.shape
    (array([7, 3]), (2, 2, 2, 1))
    >>> _ = path.write_text("ash,hue,label\\n2.43,1.04,0\\n2.14,1.05,1\\n")
    >>> read_table(path).images.tolist()
    [[2.43, 1.04], [2.14, 1.05]]
    """
    with _lines(path) as lines:
        start, first = next(lines, (1, []))
        header = first if names_columns(first, label_column) else []
        examples = itertools.chain([] if header else [(start, first)], lines)
        start, example = next(examples, (start, []))
        if not example:
            raise DataError("expected a line for each image, found none")
        _expect_width(start, example, first)
        columns = find_columns(
            header, example, label_column, may_lack_labels, len(image_shape) == 1
        )
        if columns is None:
            return None
        kind = {0: columns.kind, 1: "features"}.get(len(image_shape), "pixels")
        names = [
            header[n].strip() if header else f"number {n + 1}" for n in columns.numbers
        ]
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
            if columns.path is not None:
                paths.append(cells[columns.path].strip())
                continue
            numbers = [cells[n] for n in columns.numbers]
            rows.append(
                line_of_pixels(numbers, number)
                if kind == "pixels"
                else line_of_features(numbers, names, number)
            )
        classes = _numbers_or_text(labels)
        if columns.path is not None:
            return Table(classes, None, _find_all(paths, path), columns.remarks)
        images, remark = as_images(np.stack(rows), kind, image_shape)
        remarks = *columns.remarks, *([remark] if remark else [])
        own = names if header and images.ndim == 2 else []
        own_names = read_feature_names(own, "the first line")
        return Table(classes, images, [], remarks, own_names)


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
