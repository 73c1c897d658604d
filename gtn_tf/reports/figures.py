"""Pictures of results, drawn from the tables beside them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gtn_tf import plots
from gtn_tf.atomic_file import write
from gtn_tf.errors import shown
from gtn_tf.run_files import RunError, read_json, read_rows, read_samples

_FILE = "figures.json"
_LONGEST = 250  # characters of a name or a title
_MOST = 100  # pictures of a folder, and names in a picture
_HUGE = 1e30  # more than any axis shows


@dataclass(frozen=True)
class FigureSpec:
    """Describes a picture of a table; a row of the table is one measurement.

    Args:
        picture: Name of the PNG file.
        kind: `"curves"`, `"boxes"`, `"dots"`, `"costs"`, `"matrix"` or `"images"`.
        table: Name of the CSV file with the measurements; of `"images"`, of the npz
            file with `grid` (uint8 `[h, w, c]`), `steps` and `class_names`.
        by: Column that separates curves, boxes, costs, rows of dots or of the matrix.
        x: Column along the x axis of curves or costs, where costs may have none, or
            that of the matrix's columns.
        y: Column of what was measured; a matrix has its deviation in `std`.
        x_label: Name of the x axis, with its unit.
        y_label: Name of the y axis, with its unit.
        title: Above the picture.
        factor: What `y` is multiplied by: 100 for per cent.
        y_range: What the y axis of curves or costs shows.
        log: Whether the x axis of curves or costs, or the y axis of boxes, is
            logarithmic.
    """

    picture: str
    kind: str
    table: str
    by: str = ""
    x: str = ""
    y: str = ""
    x_label: str = ""
    y_label: str = ""
    title: str = ""
    factor: float = 1.0
    y_range: tuple[float, float] | None = None
    log: bool = False


def write_figures(folder: Path, figures: Sequence[FigureSpec]) -> None:
    """Describes the pictures of a folder's tables, in `figures.json`.

    Args:
        folder: Folder of the tables.
        figures: The pictures.
    """
    specs = [dataclasses.asdict(figure) for figure in figures]
    write(folder / _FILE, json.dumps(specs, indent=2) + "\n")


def draw_figures(folder: Path, report: Callable[[str], None] = print) -> None:
    """Draws a folder's pictures from its tables.

    Args:
        folder: Has `figures.json` and the tables, as recipes write them.
        report: Called with the name of each picture.

    Raises:
        RunError: If a file is missing or is not what it should be.
    """
    try:
        specs = read_json(folder / _FILE)
        if len(specs) > _MOST:
            raise RunError(f"expected at most {_MOST} pictures, received {len(specs)}")
        figures = [FigureSpec(**spec) for spec in specs]
        for figure in figures:
            _expect_sound(figure)
        for figure in figures:
            _KINDS[figure.kind](figure, folder)
            report(f"{folder / figure.picture}")
    except (ArithmeticError, KeyError, TypeError, ValueError, RunError) as error:
        reason = str(error) if isinstance(error, RunError) else shown(error)
        raise RunError(
            f"{folder}: expected {_FILE} and its tables, as a recipe of cli/ leaves "
            f"them: {reason}"
        ) from None


def _expect_sound(figure: FigureSpec) -> None:
    """Checks that a picture stays in its folder and can be drawn."""
    table = ".npz" if _KINDS[figure.kind] is _images else ".csv"
    texts = [f.name for f in dataclasses.fields(figure) if f.type == "str"]
    rules = {
        **dict.fromkeys(texts, (f"a text of at most {_LONGEST} characters", _is_text)),
        "picture": ("a name that ends in .png, without folders", _is_name(".png")),
        "table": (f"a name that ends in {table}, without folders", _is_name(table)),
        "factor": ("a finite number", _is_number),
        "y_range": ("null or two finite numbers, the lower first", _is_range),
        "log": ("true or false", lambda value: isinstance(value, bool)),
    }
    for name, (expected, allows) in rules.items():
        received = getattr(figure, name)
        if not allows(received):
            raise RunError(f"{name}: expected {expected}, received {shown(received)}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST


def _is_name(suffix: str) -> Callable[[Any], bool]:
    def is_name(value: Any) -> bool:
        plain = _is_text(value) and not set(value) & {"/", "\\", "\0"}
        return plain and value.endswith(suffix) and not value.startswith(".")

    return is_name


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < _HUGE  # NaN is not


def _is_range(value: Any) -> bool:
    pair = isinstance(value, (list, tuple)) and len(value) == 2
    return value is None or pair and all(map(_is_number, value)) and value[0] < value[1]


def folders_with_figures(parent: Path) -> list[Path]:
    """The subfolders that `draw_figures` can draw.

    Args:
        parent: Such as `results`.
    """
    return sorted(file.parent for file in parent.glob(f"*/{_FILE}"))


def _curves(figure: FigureSpec, folder: Path) -> None:
    curves = {}
    for name, rows in _groups(figure, folder).items():
        at: dict[float, list[float]] = {}
        for row in rows:
            at.setdefault(float(row[figure.x]), []).append(_y(figure, row))
        places = sorted(at)
        curves[name] = places, np.array([at[p] for p in places]).T  # [runs, places]
    labels = figure.x_label, figure.y_label, figure.title
    plots.bands(curves, labels, folder / figure.picture, figure.y_range, figure.log)


def _boxes(figure: FigureSpec, folder: Path) -> None:
    path = folder / figure.picture
    plots.boxes(_values(figure, folder), figure.y_label, figure.title, path, figure.log)


def _dots(figure: FigureSpec, folder: Path) -> None:
    plots.dots(_values(figure, folder), figure.y_label, folder / figure.picture)


def _costs(figure: FigureSpec, folder: Path) -> None:
    found = {
        name: [(float(row[figure.x] or "nan"), _y(figure, row)) for row in rows]
        for name, rows in _groups(figure, folder).items()
    }
    labels = figure.x_label, figure.y_label, figure.title
    plots.costs(found, labels, folder / figure.picture, figure.y_range, figure.log)


def _matrix(figure: FigureSpec, folder: Path) -> None:
    groups = _groups(figure, folder)
    cells = {
        (name, row[figure.x]): row for name, rows in groups.items() for row in rows
    }
    columns = list(dict.fromkeys(column for _, column in cells))
    _expect_few(columns, figure.x)
    mean, std = (
        np.array([[float(cells[n, c][key]) for c in columns] for n in groups])
        for key in (figure.y, "std")
    )
    labels = figure.y_label, figure.x_label, figure.title
    plots.heat_map(mean, std, list(groups), columns, labels, folder / figure.picture)


def _images(figure: FigureSpec, folder: Path) -> None:
    grid, steps, names = read_samples(folder / figure.table)
    path = folder / figure.picture
    plots.save_curriculum(grid / 255, steps, names, figure.title, path)


_KINDS = {
    "curves": _curves,
    "boxes": _boxes,
    "dots": _dots,
    "costs": _costs,
    "matrix": _matrix,
    "images": _images,
}


def _values(figure: FigureSpec, folder: Path) -> dict[str, list[float]]:
    groups = _groups(figure, folder)
    return {name: [_y(figure, row) for row in rows] for name, rows in groups.items()}


def _groups(figure: FigureSpec, folder: Path) -> dict[str, list[dict[str, str]]]:
    groups: dict[str, list[dict[str, str]]] = {}
    for row in read_rows(folder / figure.table):
        groups.setdefault(row[figure.by], []).append(row)
    _expect_few(groups, figure.by)
    return groups


def _expect_few(names: Collection[str], column: str) -> None:
    if len(names) > _MOST or not all(map(_is_text, names)):
        raise RunError(
            f"{column}: expected at most {_MOST} names of at most {_LONGEST} "
            "characters, found more"
        )


def _y(figure: FigureSpec, row: dict[str, str]) -> float:
    return figure.factor * float(row[figure.y])
