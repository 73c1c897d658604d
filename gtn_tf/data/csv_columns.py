"""What each column of a CSV file is: a label, a pixel, a feature or a path."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from gtn_tf.data.errors import DataError
from gtn_tf.data.picture_file import SUFFIXES
from gtn_tf.errors import cut, did_you_mean, shown

_LABELS = ("label", "labels", "class", "target", "y", "category")
_PATHS = (
    *("path", "file", "filename", "file_name", "filepath", "file_path"),
    *("image", "image_path", "image_name", "image_id", "img", "id", "name"),
)
_FEW = 3  # columns beside the label that are too few to be pixels, if one has a path
_SHOWN = 8  # columns named in a sentence
# Columns that number the lines, and those that pandas and a comma at the end leave.
_NUMBERS = re.compile(r"id|index|unnamed: ?\d+|", re.IGNORECASE)
_PIXEL = re.compile(r"pixel.*|\d+x\d+", re.IGNORECASE)
_NUMBERED = re.compile(r"([a-z]{0,4}[ _-]?)\d+", re.IGNORECASE)


class Columns(NamedTuple):
    """Places of the columns.

    Args:
        label: Of the label.
        numbers: Of pixels or features; none where there is a path.
        path: Of the path; `None` where there are numbers.
        remarks: What is left out, a sentence each.
        kind: What the names say that the numbers are: `"pixels"`, `"features"`, or
            `"either"`, where they only count the columns, or are none.
    """

    label: int
    numbers: list[int]
    path: int | None
    remarks: tuple[str, ...]
    kind: str = "pixels"


def names_columns(cells: Sequence[str], label_column: str = "") -> bool:
    """Whether a first line names the columns and is no example.

    Args:
        cells: The line.
        label_column: As for `find_columns`.

    Example:

    >>> names_columns(["label", "1x1", "1x2"]), names_columns(["7", "0", "255"])
    (True, False)
    >>> names_columns(["5.1", "1.4", "setosa"]), names_columns(["0", "1", "species"])
    (False, True)
    """
    words = [cell.strip() for cell in cells if not is_number(cell)]
    if not words or any(map(is_picture, cells)):
        return False
    if len(words) > 1 or len(cells) < 3:
        return True
    # One word among numbers is a label, unless the numbers count the columns.
    numbers = [cell.strip() for cell in cells if is_number(cell)]
    counts = [[str(first + n) for n in range(len(numbers))] for first in (0, 1)]
    return words[0] == label_column or words[0].lower() in _LABELS or numbers in counts


def find_columns(
    header: Sequence[str],
    example: Sequence[str],
    label_column: str = "",
    may_lack_labels: bool = False,
    tabular: bool = False,
) -> Columns | None:
    """Finds the columns by their names and by what the first example has.

    Args:
        header: Their names; empty if the file has none.
        example: The first example.
        label_column: Name of the labels' column; by default one that is called label,
            class or the like.
        may_lack_labels: Whether there may be no labels.
        tabular: Whether the numbers are known to be features.

    Returns:
        The columns; `None` if there are no labels.

    Raises:
        DataError: If there is no such column.

    Example:

    >>> find_columns(["id", "label", "pixel0", "pixel1"], ["7", "cat", "0", "9"])
    Columns(label=1, numbers=[2, 3], path=None, remarks=('columns left out: id',), \
kind='pixels')
    >>> find_columns(["id", "ash", "hue", "ph", "y"], ["7", "2.4", "1", "3", "0"]).kind
    'features'
    """
    names = [name.strip() for name in header]
    of_pictures = [n for n, cell in enumerate(example) if is_picture(cell)]
    if not names:
        return _without_names(example, of_pictures)
    label = _label(names, of_pictures, label_column)
    if label is None and may_lack_labels:
        return None
    if label is None:
        if label_column:
            raise DataError(
                f"expected a column {shown(label_column)} (label_column), received "
                f"{_listed(names)}{did_you_mean(label_column, names)}"
            )
        raise DataError(
            "expected a column called label, class or the like, received "
            f"{_listed(names)}; name it by label_column"
        )
    small = [name.lower() for name in names]
    rest = [n for n in range(len(names)) if n != label]
    pixels = [n for n in rest if _PIXEL.fullmatch(small[n])]
    called_paths = [small.index(name) for name in _PATHS if name in small]
    may_be_paths = len(rest) <= _FEW and not (pixels or tabular)
    paths = [n for n in of_pictures or called_paths * may_be_paths if n != label]
    numbers = [n for n in rest if not _NUMBERS.fullmatch(small[n])]
    used = paths[:1] or pixels * (not tabular) or numbers
    others = [names[n] or "one without a name" for n in rest if n not in used]
    remarks = (f"columns left out: {_listed(others)}",) if others else ()
    if paths:
        return Columns(label, [], paths[0], remarks)
    if not used:
        raise DataError(
            f"expected columns beside the labels, received {_listed(names)}"
        )
    kind = "pixels" if used == pixels else _kind([small[n] for n in used])
    return Columns(label, used, None, remarks, kind)


def _kind(names: Sequence[str]) -> str:
    """Names that only number the columns say nothing of what is in them."""
    found = [_NUMBERED.fullmatch(name) for name in names]
    same = len({one and one[1] for one in found}) == 1
    return "either" if same and found[0] else "features"


def _without_names(example: Sequence[str], of_pictures: Sequence[int]) -> Columns:
    if len(example) < 2:
        raise DataError(
            "expected a label and numbers, or the path of a picture and a label, "
            "received one cell in a line"
        )
    path = of_pictures[0] if of_pictures else None
    words = [n for n, cell in enumerate(example) if not is_number(cell)]
    label = 1 if path == 0 else words[0] if len(words) == 1 and path is None else 0
    numbers = [n for n in range(len(example)) if n != label and path is None]
    remark = f"no line names the columns: the label is number {label + 1}"
    return Columns(label, numbers, path, (remark,), "either")


def _label(
    names: Sequence[str], of_pictures: Sequence[int], label_column: str
) -> int | None:
    if label_column:
        return names.index(label_column) if label_column in names else None
    small = [name.lower() for name in names]
    found = [small.index(name) for name in _LABELS if name in small]
    if found:
        return found[0]
    # Beside a path, the only other column.
    return 1 - of_pictures[0] if len(names) == 2 and of_pictures else None


def is_number(cell: str) -> bool:
    """Whether a cell has a number.

    Args:
        cell: The cell.
    """
    try:
        float(cell)
    except ValueError:
        return False
    return True


def is_picture(cell: str) -> bool:
    """Whether a cell has the name of a picture file.

    Args:
        cell: The cell.
    """
    return cell.strip().lower().endswith(SUFFIXES)


def _listed(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > _SHOWN else ""
    return cut(", ".join(names[:_SHOWN])) + more
