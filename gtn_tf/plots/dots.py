"""A few runs of each of several methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gtn_tf.plots.saving import save_figure

_DPI = 120
_RUN, _MEAN = "#0072B2", "#D55E00"


def dots(found: Mapping[str, Sequence[float]], label: str, path: Path) -> None:
    """Draws a row of dots for each method, one for each run, and the mean as a bar.

    Args:
        found: For each method's name, the results of its runs.
        label: Label of the axis, with its unit.
        path: The PNG file.
    """
    figure = Figure((7, 0.8 + 0.45 * len(found)), layout="constrained")
    axes = figure.subplots()
    for place, values in enumerate(found.values()):
        again = place > 0  # the legend names each mark once
        axes.plot(
            values,
            np.full(len(values), place),
            "o",
            color=_RUN,
            alpha=0.7,
            label="_" if again else "one run",
        )
        axes.plot(
            np.mean(values),
            place,
            "|",
            color=_MEAN,
            ms=18,
            mew=2.5,
            label="_" if again else "mean",
        )
    axes.set(yticks=range(len(found)), yticklabels=list(found), xlabel=label)
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.grid(axis="x", alpha=0.3)
    axes.legend(fontsize=8, labelspacing=1.0, borderpad=0.8, markerscale=0.7)
    save_figure(figure, path, _DPI)
