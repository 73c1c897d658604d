"""Pictures of cells: states in a row, an arc for each operation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gtn_tf.plots.saving import save_figure

_DPI = 120
_WIDTH = 1.35  # inches between two states
_FLATNESS = 0.3  # of the arcs

# Okabe and Ito's colours, by what an operation does; the names say it, too.
_COLOURS = {"conv": "#0072B2", "pool": "#E69F00", "identity": "#009E73"}
_OTHER = "#009E73"
_ABSENT = "#999999"


class Arc(NamedTuple):
    """An operation from one state to a later one."""

    source: int
    target: int
    operation: str
    above: bool = True


class CellPicture(NamedTuple):
    """The picture of a cell."""

    title: str
    states: Sequence[str]  # their names, in order
    arcs: Sequence[Arc]
    outputs: Sequence[int] = ()  # states that are the cell's output


def draw_cells(cells: Sequence[CellPicture], title: str, path: Path) -> None:
    """Draws the cells of an architecture, one below the other.

    Args:
        cells: The cells.
        title: Above the picture.
        path: The PNG file.
    """
    longest = max(len(cell.states) for cell in cells)
    heights = [_height(cell) for cell in cells]
    figure = Figure((0.8 + _WIDTH * longest, 0.6 + sum(heights)), layout="constrained")
    figure.suptitle(title, fontsize=9)
    rows = figure.subplots(len(cells), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, cell in zip(rows, cells):
        _draw(axes, cell)
    save_figure(figure, path, _DPI)


def _spans(cell: CellPicture, above: bool) -> int:
    return max([a.target - a.source for a in cell.arcs if a.above == above], default=0)


def _height(cell: CellPicture) -> float:
    units = _FLATNESS * (_spans(cell, True) + _spans(cell, False)) + 0.9
    return _WIDTH * units * 0.75 + 0.3


def _draw(axes: Axes, cell: CellPicture) -> None:
    for arc in cell.arcs:
        _draw_arc(axes, arc)
    for place, name in enumerate(cell.states):
        axes.text(
            place,
            0,
            name,
            ha="center",
            va="center",
            fontsize=9,
            bbox={
                "boxstyle": "round,pad=0.4",
                "facecolor": "#F0E442" if place in cell.outputs else "white",
                "edgecolor": "black",
            },
        )
    axes.set_xlim(-0.5, len(cell.states) - 0.5)
    below, above = _spans(cell, False), _spans(cell, True)
    axes.set_ylim(-_FLATNESS * below - 0.4, _FLATNESS * above + 0.4)
    axes.set_title(cell.title, fontsize=9, loc="left")
    axes.set_axis_off()


def _draw_arc(axes: Axes, arc: Arc) -> None:
    centre, radius = (arc.source + arc.target) / 2, (arc.target - arc.source) / 2
    side = 1 if arc.above else -1
    angles = np.linspace(np.pi, 0, 60)
    # A box covers the arrow's tip unless the arc ends a little before it.
    x = centre + radius * np.cos(angles)
    y = side * 2 * radius * _FLATNESS * np.sin(angles)
    colours = [c for word, c in _COLOURS.items() if word in arc.operation]
    colour = _ABSENT if arc.operation == "none" else (colours or [_OTHER])[0]
    axes.plot(x, y, "--" if arc.operation == "none" else "-", color=colour, lw=1.4)
    tip = int(0.9 * len(x))
    axes.annotate(
        "",
        (x[tip], y[tip]),
        (x[tip - 1], y[tip - 1]),
        arrowprops={"arrowstyle": "-|>", "color": colour},
    )
    axes.text(
        centre,
        side * 2 * radius * _FLATNESS,
        arc.operation,
        ha="center",
        va="center",
        fontsize=7.5,
        color=colour,
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"},
    )
