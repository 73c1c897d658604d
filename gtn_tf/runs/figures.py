"""Pictures of results, drawn from the tables beside them."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gtn_tf import plots
from gtn_tf.atomic_file import write
from gtn_tf.runs.directory import RunError

_FILE = "figures.json"


@dataclass(frozen=True)
class FigureSpec:
    """What a picture shows of a table; a row of the table is one measurement.

    Args:
        picture: Name of the PNG file.
        kind: `"curves"`, `"boxes"`, `"dots"`, `"matrix"` or `"images"`.
        table: Name of the CSV file with the measurements; of `"images"`, of the npz
            file with `grid` (uint8 `[h, w, c]`), `steps` and `class_names`.
        by: Column that tells curves, boxes, rows of dots or of the matrix apart.
        x: Column along the x axis of curves, or that of the matrix's columns.
        y: Column of what was measured; a matrix has its deviation in `std`.
        x_label: Name of the x axis, with its unit.
        y_label: Name of the y axis, with its unit.
        title: Above the picture.
        factor: What `y` is multiplied by: 100 for per cent.
        y_range: What the y axis of curves shows.
        log: Whether the x axis of curves, or the y axis of boxes, is logarithmic.
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
    """Writes down what is to be drawn of a folder's tables, in `figures.json`.

    Args:
        folder: Of the tables.
        figures: The pictures.
    """
    specs = [dataclasses.asdict(figure) for figure in figures]
    write(folder / _FILE, json.dumps(specs, indent=2) + "\n")


def draw_figures(folder: Path, report: Callable[[str], None] = print) -> None:
    """Draws a folder's pictures from its tables.

    Args:
        folder: With `figures.json` and the tables, as the recipes leave them.
        report: Called with the name of each picture.

    Raises:
        RunError: If a file is missing or is not what it should be.
    """
    file = folder / _FILE
    try:
        specs = json.loads(file.read_text(encoding="utf-8-sig"))
        for figure in [FigureSpec(**spec) for spec in specs]:
            _KINDS[figure.kind](figure, folder)
            report(f"{folder / figure.picture}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{folder}: expected {_FILE} and its tables, as a recipe of cli/ leaves "
            f"them: {error!r}"
        ) from None


def folders_with_figures(parent: Path) -> list[Path]:
    """The folders in another one that `draw_figures` can draw.

    Args:
        parent: Such as `results`.
    """
    return sorted(file.parent for file in parent.glob(f"*/{_FILE}"))


def _curves(figure: FigureSpec, folder: Path) -> None:
    curves = {}
    for name, rows in _groups(figure, folder).items():
        places = sorted({float(row[figure.x]) for row in rows})
        at = [[_y(figure, r) for r in rows if float(r[figure.x]) == p] for p in places]
        curves[name] = places, np.array(at).T  # [runs, places]
    labels = figure.x_label, figure.y_label, figure.title
    plots.bands(curves, labels, folder / figure.picture, figure.y_range, figure.log)


def _boxes(figure: FigureSpec, folder: Path) -> None:
    path = folder / figure.picture
    plots.boxes(_values(figure, folder), figure.y_label, figure.title, path, figure.log)


def _dots(figure: FigureSpec, folder: Path) -> None:
    plots.dots(_values(figure, folder), figure.y_label, folder / figure.picture)


def _matrix(figure: FigureSpec, folder: Path) -> None:
    groups = _groups(figure, folder)
    cells = {
        (name, row[figure.x]): row for name, rows in groups.items() for row in rows
    }
    columns = list(dict.fromkeys(column for _, column in cells))
    mean, std = (
        np.array([[float(cells[n, c][key]) for c in columns] for n in groups])
        for key in (figure.y, "std")
    )
    labels = figure.y_label, figure.x_label, figure.title
    plots.heat_map(mean, std, list(groups), columns, labels, folder / figure.picture)


def _images(figure: FigureSpec, folder: Path) -> None:
    with np.load(folder / figure.table, allow_pickle=False) as content:
        grid, steps, names = (content[k] for k in ("grid", "steps", "class_names"))
    path = folder / figure.picture
    plots.save_curriculum(grid / 255, int(steps), names.tolist(), figure.title, path)


_KINDS = {
    "curves": _curves,
    "boxes": _boxes,
    "dots": _dots,
    "matrix": _matrix,
    "images": _images,
}


def _values(figure: FigureSpec, folder: Path) -> dict[str, list[float]]:
    groups = _groups(figure, folder)
    return {name: [_y(figure, row) for row in rows] for name, rows in groups.items()}


def _groups(figure: FigureSpec, folder: Path) -> dict[str, list[dict[str, str]]]:
    with (folder / figure.table).open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    names = dict.fromkeys(row[figure.by] for row in rows)
    return {name: [row for row in rows if row[figure.by] == name] for name in names}


def _y(figure: FigureSpec, row: dict[str, str]) -> float:
    return figure.factor * float(row[figure.y])
