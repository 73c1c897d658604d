"""Quality against cost: of several runs, or in panels of lines with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gtn_tf.plots.curves import curve_style, legend_below
from gtn_tf.plots.saving import save_figure

_DPI = 120
_COLUMNS = 2  # of panels
_MARKERS = "osD^vP*X<>h"


def costs(
    found: Mapping[str, Sequence[tuple[float, float]]],
    labels: tuple[str, str, str],
    path: Path,
    y_range: tuple[float, float] | None = None,
    log_x: bool = False,
) -> None:
    """Draws a mark for each method, and a fainter one for each of its runs.

    A method's mark is at the median cost and the mean result. What costs nothing, a
    NaN, is a horizontal line. What is below `y_range` is drawn at its lower edge, with
    its value.

    Args:
        found: For each method's name, the cost and the result of its runs.
        labels: Names of the x axis and the y axis, and the title.
        path: The PNG file.
        y_range: What the y axis shows.
        log_x: Whether the x axis is logarithmic.
    """
    x_label, y_label, title = labels
    figure = Figure((8, 7.5), layout="constrained")
    axes = figure.add_subplot(xlabel=x_label, ylabel=y_label, title=title)
    low, below = y_range[0] if y_range else -np.inf, 0
    for number, (name, runs) in enumerate(found.items()):
        colour, dash = curve_style(number)
        cost, result = np.asarray(runs, float).T
        if np.isnan(cost).any():
            axes.axhline(np.mean(result), color=colour, linestyle=dash, label=name)
            continue
        marker = _MARKERS[number % len(_MARKERS)]
        axes.plot(cost, np.maximum(result, low), marker, color=colour, ms=4, alpha=0.4)
        x, y = np.median(cost), np.mean(result)
        axes.plot(x, max(y, low), marker, color=colour, ms=9, label=name, clip_on=False)
        if y < low:
            # The empty lines are for the mark and the values before.
            text = f"\u2193 {y:.1f}" + "\n" * (1 + below)
            axes.text(x, low, text, color=colour, ha="center", va="bottom")
            below += 1
    if y_range:
        axes.set_ylim(*y_range)
    if log_x:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.3)
    legend_below(figure)
    save_figure(figure, path, _DPI)


@dataclass(frozen=True)
class CostLine:
    """Qualities at several costs, with intervals.

    Args:
        costs: Of one point or more.
        qualities: Of each; NaN omits it.
        low: The lower bounds.
        high: The upper bounds.
    """

    costs: Sequence[float]
    qualities: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class CostPanel:
    """A panel of lines, points and levels.

    Args:
        title: Above it.
        x_label: Name of the cost, with its unit.
        y_label: Name of the quality.
        lines: For each name, its points.
        levels: For each name, the quality of what has no cost.
        log_x: Whether costs are on a logarithmic axis.
        joined: Whether the points of a name are of one thing, and joined.
    """

    title: str
    x_label: str
    y_label: str
    lines: Mapping[str, CostLine]
    levels: Mapping[str, float] = field(default_factory=dict)
    log_x: bool = True
    joined: bool = True


def against_cost(panels: Sequence[CostPanel], path: Path) -> None:
    """Draws panels of qualities against costs, two side by side.

    A name has the same colour in all of them.

    Args:
        panels: The panels.
        path: The PNG file.
    """
    names = [n for one in panels for n in (*one.lines, *one.levels)]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    rows = math.ceil(len(panels) / _COLUMNS)
    columns = min(_COLUMNS, len(panels))
    figure = Figure((0.8 + 5.2 * columns, 1.2 + 4.2 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, panel in zip(grid, panels):
        _draw(axes, panel, numbers)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    shown: dict[str, Any] = {}
    for axes in grid:
        for mark, name in zip(*axes.get_legend_handles_labels()):
            shown.setdefault(name, mark)
    legend_below(figure, shown)
    save_figure(figure, path, _DPI)


def _draw(axes: Axes, panel: CostPanel, numbers: Mapping[str, int]) -> None:
    axes.set(title=panel.title, xlabel=panel.x_label, ylabel=panel.y_label)
    for name, line in panel.lines.items():
        colour, dash = curve_style(numbers[name])
        marker = _MARKERS[numbers[name] % len(_MARKERS)]
        style: dict[str, Any] = {
            "color": colour,
            "marker": marker,
            "ms": 5,
            "label": name,
        }
        low, high = np.asarray(line.low, float), np.asarray(line.high, float)
        if len(line.costs) == 1 or not panel.joined:
            y = np.asarray(line.qualities, float)
            bounds = np.stack([y - low, high - y]).clip(0)
            axes.errorbar(line.costs, y, bounds, capsize=3, linestyle="none", **style)
            continue
        axes.plot(line.costs, line.qualities, linestyle=dash, **style)
        axes.fill_between(line.costs, low, high, color=colour, alpha=0.1, linewidth=0)
    for name, level in panel.levels.items():
        colour, dash = curve_style(numbers[name])
        axes.axhline(level, color=colour, linestyle=dash, linewidth=1, label=name)
    if panel.log_x:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.3)
