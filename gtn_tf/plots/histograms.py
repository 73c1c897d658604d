"""Histograms of the features of a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gtn_tf.plots.saving import save_figure

_COLUMNS, _BINS, _DPI = 5, 20, 120


def histograms(
    features: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    feature_names: Sequence[str],
    title: str,
    path: Path,
) -> None:
    """Draws a histogram of each feature, with a line for each class.

    Args:
        features: `[n, features]`.
        labels: Integers `[n]`; examples of further classes are left out.
        class_names: Of the classes shown.
        feature_names: Of the features.
        title: Above the picture.
        path: The PNG file.
    """
    columns = min(_COLUMNS, len(feature_names))
    rows = math.ceil(len(feature_names) / columns)
    figure = Figure((2.4 * columns, 1.8 * rows + 1), layout="constrained")
    figure.suptitle(_plain(title))
    for number, name in enumerate(feature_names):
        axes = figure.add_subplot(rows, columns, number + 1)
        edges = np.histogram_bin_edges(features[:, number], _BINS).tolist()
        for label, class_name in enumerate(class_names):
            of_class = features[labels == label, number]
            axes.hist(of_class, edges, histtype="step", label=_plain(class_name))
        axes.set_title(_plain(name), fontsize=8)
        axes.tick_params(labelsize=6)
    handles = figure.axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=5, fontsize=8)
    save_figure(figure, path, _DPI)


def _plain(name: str) -> str:
    """A user's name as text, in which $ begins no formula."""
    return name.replace("$", r"\$")
