"""The picture: candidates per minute in each space, and memory by candidates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from gtn_tf.plots import save_figure
from ranking.contenders import LABELS
from ranking.problem import SPACES, TITLES
from ranking.rows import Row

# Okabe and Ito's colours, as in the benchmark's other pictures; what is a variant of
# another has a lighter shade of its colour.
_COLORS = dict(zip(LABELS.values(), ("#D55E00", "#F2B48C", "#0072B2", "#7FB8D8")))
_DPI = 120

# Where a bar is, its hatch, and the column of its values.
_RATES = (
    (-0.2, "///", "together_per_minute"),
    (0.2, "", "candidates_per_minute"),
)


def save(speed: Sequence[Row], memory: Sequence[Row], path: Path) -> None:
    """Draws both tables.

    Args:
        speed: Rows of `speed.csv`, numbers as numbers.
        memory: Rows of `memory.csv`, likewise.
        path: The PNG file.
    """
    figure = Figure((8, 5.5), layout="constrained")
    grid = figure.add_gridspec(2, len(SPACES))
    for column, space in enumerate(SPACES):
        own = [row for row in speed if row["space"] == space]
        _bars(figure.add_subplot(grid[0, column]), own, TITLES[space], column == 0)
    _lines(figure.add_subplot(grid[1, :]), memory)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path, _DPI)


def _bars(axes: Any, rows: Sequence[Row], title: str, names: bool) -> None:
    labels = [row["contender"] for row in rows]
    colors = [_COLORS[label] for label in labels]
    most = 1.0
    for shift, hatch, rate in _RATES:
        values = [row.get(rate, 0) for row in rows]
        places = [place + shift for place in range(len(rows))]
        look = {"height": 0.4, "hatch": hatch, "edgecolor": "black", "lw": 0.5}
        axes.barh(places, values, color=colors, **look)
        for place, value in zip(places, values):
            axes.text(value, place, f" {value:.3g}" if value else "", va="center")
        most = max([most, *values])
    axes.set_xlim(0, 1.3 * most)
    axes.set_yticks(range(len(rows)), labels)
    axes.invert_yaxis()  # the first row on top
    axes.tick_params(labelleft=names)
    axes.set(title=title, xlabel="candidates per minute,\ntwo at a time hatched")


def _lines(axes: Any, rows: Sequence[Row]) -> None:
    for label, color in _COLORS.items():
        own = [row for row in rows if row["contender"] == label]
        if own:
            axes.plot(
                [row["candidates"] for row in own],
                [row["resident_bytes"] / 1e9 for row in own],
                color=color,
                marker=".",
                label=label,
            )
    axes.set_ylim(bottom=0)
    axes.set(xlabel="candidates scored in one process", ylabel="memory (RSS), GB")
    axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
