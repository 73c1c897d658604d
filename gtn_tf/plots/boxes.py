"""Distributions of many runs each, as box plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gtn_tf.plots.saving import save_figure

_DPI = 120
_RUN, _MEDIAN, _LOST = "#0072B2", "#D55E00", "#000000"
_JITTER = 0.06  # largest distance of a mark from the box's middle


def boxes(
    found: Mapping[str, Sequence[float]],
    label: str,
    title: str,
    path: Path,
    log_y: bool = False,
) -> None:
    """Draws a box for each method, and a mark for each of its runs.

    A box spans the middle half of its runs, its line is the median and its whiskers
    reach to the furthest run within 1.5 times the box. Infinite runs are crosses at
    the upper edge; they count as the largest in the box's quartiles.

    Args:
        found: For each method's name, the results of its runs.
        label: Label of the y axis, with its unit.
        title: Above the picture.
        path: The PNG file.
        log_y: Whether the y axis is logarithmic.
    """
    finite = [v for values in found.values() for v in values if np.isfinite(v)]
    top = 1.25 * max(finite, default=1.0)
    shown = [np.minimum(np.asarray(values, float), top) for values in found.values()]
    figure = Figure((1.5 + 2.4 * len(found), 5), layout="constrained")
    axes = figure.add_subplot(ylabel=label, title=title)
    drawn = axes.boxplot(
        shown,
        widths=0.5,
        showfliers=False,
        medianprops={"color": _MEDIAN, "linewidth": 2},
    )
    spread = np.random.default_rng(0)
    for place, (values, runs) in enumerate(zip(shown, found.values()), start=1):
        x = place + spread.uniform(-_JITTER, _JITTER, len(values))
        lost = ~np.isfinite(np.asarray(runs, float))
        for which, marker, colour, name in (
            (~lost, "o", _RUN, "one run"),
            (lost, "x", _LOST, "one run, not finite"),
        ):
            if which.any():
                axes.plot(x[which], values[which], marker, color=colour, label=name)
    marks = dict(zip(*reversed(axes.get_legend_handles_labels())))
    marks["median"] = drawn["medians"][0]
    if log_y:
        axes.set_yscale("log", subs=[2, 3, 6])
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}")
    axes.set_xticks(range(1, len(found) + 1), list(found))
    axes.grid(axis="y", alpha=0.3)
    axes.legend(marks.values(), marks, fontsize=8)
    save_figure(figure, path, _DPI)
