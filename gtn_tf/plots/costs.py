"""Results of several methods against what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gtn_tf.plots.curves import curve_style, legend_below
from gtn_tf.plots.saving import save_figure

_DPI = 120
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
    low = y_range[0] if y_range else -np.inf
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
            text = f"\u2193 {y:.1f}\n"  # its second line is below, where the mark is
            axes.text(x, low, text, color=colour, ha="center", va="bottom")
    if y_range:
        axes.set_ylim(*y_range)
    if log_x:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.3)
    legend_below(figure)
    save_figure(figure, path, _DPI)
