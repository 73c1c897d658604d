"""A picture of a search: which operation wins each edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gtn_tf.plots.curves import curve_style
from gtn_tf.plots.saving import save_figure

_COLUMNS = 3
_DPI = 110


def operations(
    edges: Mapping[str, Mapping[str, np.ndarray]],
    skips: np.ndarray,
    steps: Sequence[int],
    title: str,
    path: Path,
) -> None:
    """Draws the probabilities of each edge's operations, and the skip connections.

    Args:
        edges: For each edge and operation, its probability `[len(steps)]`.
        skips: On how many edges the most probable one is a skip connection,
            `[len(steps)]`.
        steps: Numbers of steps.
        title: Above the picture.
        path: The PNG file.
    """
    rows = -(-len(edges) // _COLUMNS)
    figure = Figure((10, 2.4 * rows + 2.2), layout="constrained")
    figure.suptitle(title)
    grid = figure.add_gridspec(rows + 1, _COLUMNS)
    marker = "o" if len(steps) == 1 else ""
    for number, (edge, operations) in enumerate(edges.items()):
        axes = figure.add_subplot(grid[divmod(number, _COLUMNS)])
        axes.set(title=f"edge {edge}", ylim=(0, 1))
        if number % _COLUMNS == 0:
            axes.set_ylabel("probability")
        for place, (name, of_steps) in enumerate(operations.items()):
            colour, dash = curve_style(place)
            label = name if number == 0 else None
            style = {"linestyle": dash, "color": colour, "marker": marker}
            axes.plot(steps, of_steps, label=label, **style)
        axes.grid(alpha=0.3)
    axes = figure.add_subplot(grid[rows, :], xlabel="step", ylabel="skip connections")
    axes.step(steps, skips, where="post", color="black", marker=marker)
    axes.set_ylim(-0.2, len(edges) + 0.2)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=5)
    save_figure(figure, path, _DPI)
