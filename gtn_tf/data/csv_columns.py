"""What each column of a CSV file is: the label, a pixel or the path of a picture."""

from __future__ import annotations

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


class Columns(NamedTuple):
    """Places of the columns.

    Args:
        label: Of the label.
        pixels: Of the pixels; none where there is a path.
        path: Of the path; `None` where there are pixels.
        remarks: What is left out, a sentence each.
    """

    label: int
    pixels: list[int]
    path: int | None
    remarks: tuple[str, ...]


def names_columns(cells: Sequence[str]) -> bool:
    """Whether a first line names the columns and is no example.

    Args:
        cells: The line.

    Example:

    >>> names_columns(["label", "1x1", "1x2"]), names_columns(["7", "0", "255"])
    (True, False)
    """
    return not (all(map(is_number, cells)) or any(map(is_picture, cells)))


def find_columns(
    header: Sequence[str],
    example: Sequence[str],
    label_column: str = "",
    may_lack_labels: bool = False,
) -> Columns | None:
    """Finds the columns by their names and by what the first example has.

    Args:
        header: Their names; empty if the file has none.
        example: The first example.
        label_column: Name of the labels' column; by default one that is called label,
            class or the like.
        may_lack_labels: Whether there may be no labels.

    Returns:
        The columns; `None` if there are no labels.

    Raises:
        DataError: If there is no such column.

    Example:

    >>> find_columns(["id", "label", "pixel0", "pixel1"], ["7", "cat", "0", "9"])
    Columns(label=1, pixels=[2, 3], path=None, remarks=('columns left out: id',))
    """
    names = [name.strip() for name in header]
    of_pictures = [n for n, cell in enumerate(example) if is_picture(cell)]
    if not names:
        return _without_names(len(example), of_pictures)
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
    pixels = [n for n in rest if small[n].startswith("pixel")]
    called_paths = [small.index(name) for name in _PATHS if name in small]
    may_be_paths = len(rest) <= _FEW and not pixels
    paths = [n for n in of_pictures or called_paths * may_be_paths if n != label]
    used = paths[:1] or pixels or rest
    others = [names[n] for n in rest if n not in used]
    remarks = (f"columns left out: {_listed(others)}",) if others else ()
    if paths:
        return Columns(label, [], paths[0], remarks)
    return Columns(label, used, None, remarks)


def _without_names(count: int, of_pictures: Sequence[int]) -> Columns:
    if count < 2:
        raise DataError(
            "expected a label and pixels, or the path of a picture and a label, "
            "received one cell in a line"
        )
    path = of_pictures[0] if of_pictures else None
    label = 1 if path == 0 else 0
    pixels = [] if of_pictures else [*range(1, count)]
    remark = f"no line names the columns: the label is number {label + 1}"
    return Columns(label, pixels, path, (remark,))


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
