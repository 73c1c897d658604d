"""Scores against accuracies."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gtn_tf.plots.saving import save_figure

_DPI = 120
_COLUMNS = 3
_WRAP = 42  # characters per line below a panel
_TOP, _REST = ("#0072B2", "o"), ("#E69F00", "^")


def score_scatter(
    scores: Mapping[str, Sequence[float]],
    accuracy: Sequence[float],
    notes: Mapping[str, str],
    label: str,
    path: Path,
) -> None:
    """Draws a panel for each score: each candidate's score and its accuracy.

    Args:
        scores: For each score's name, the candidates' values; NaN omits one.
        accuracy: Accuracy of each candidate, on the scale of `label`.
        notes: For each score's name, the text above its panel.
        label: Label of the accuracy's axis, with its unit.
        path: The PNG file.
    """
    columns = min(_COLUMNS, len(scores))
    rows = math.ceil(len(scores) / columns)
    figure = Figure((0.6 + 4.2 * columns, 0.4 + 3.6 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    figure.supylabel(label, fontsize=10)
    truth = np.asarray(accuracy, float)
    for axes, (name, each) in zip(panels, scores.items()):
        values = np.asarray(each, float)
        known = np.isfinite(values) & np.isfinite(truth)
        order = np.argsort(-values[known], kind="stable")
        x, y = values[known][order], truth[known][order]
        half = math.ceil(len(x) / 2)
        for part, (colour, marker), which in (
            ("top half by this score", _TOP, slice(half)),
            ("the rest", _REST, slice(half, None)),
        ):
            axes.plot(
                x[which], y[which], marker, color=colour, alpha=0.7, ms=4, label=part
            )
        axes.set_xlabel(textwrap.fill(name, _WRAP))
        axes.ticklabel_format(axis="x", scilimits=(-3, 4))
        axes.locator_params(axis="x", nbins=6)
        axes.set_title(notes.get(name, ""), fontsize=9)
        axes.grid(alpha=0.3)
    for axes in panels[len(scores) :]:
        axes.set_axis_off()
    panels[0].legend(fontsize=8, loc="lower right")
    save_figure(figure, path, _DPI)
