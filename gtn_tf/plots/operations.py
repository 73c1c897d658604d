"""A picture of a search: which operation, or which input, wins each choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gtn_tf.plots.curves import curve_style
from gtn_tf.plots.saving import save_figure

_FEW = 9  # choices, at most, for the narrower picture
_DPI = 110


def operations(
    choices: Mapping[str, Mapping[str, np.ndarray]],
    skips: np.ndarray,
    most: int,
    steps: Sequence[int],
    title: str,
    path: Path,
) -> None:
    """Draws the probabilities of each choice's values, and the skip connections.

    Args:
        choices: For each choice and value, its probability `[len(steps)]`.
        skips: In how many of them the most probable one is a skip connection,
            `[len(steps)]`.
        most: How many these may be.
        steps: Numbers of steps.
        title: Above the picture.
        path: The PNG file.
    """
    columns = 3 if len(choices) <= _FEW else 4
    rows = -(-len(choices) // columns)
    figure = Figure((3.3 * columns, 2.4 * rows + 2.2), layout="constrained")
    figure.suptitle(title)
    grid = figure.add_gridspec(rows + 1, columns)
    marker = "o" if len(steps) == 1 else ""
    labelled: dict[str, int] = {}  # the number of each value
    for number, (choice, values) in enumerate(choices.items()):
        axes = figure.add_subplot(grid[divmod(number, columns)])
        axes.set(title=choice, ylim=(0, 1))
        if number % columns == 0:
            axes.set_ylabel("probability")
        for name, of_steps in values.items():
            label = None if name in labelled else name
            colour, dash = curve_style(labelled.setdefault(name, len(labelled)))
            style = {"linestyle": dash, "color": colour, "marker": marker}
            axes.plot(steps, of_steps, label=label, **style)
        axes.grid(alpha=0.3)
    axes = figure.add_subplot(grid[rows, :], xlabel="step", ylabel="skip connections")
    axes.step(steps, skips, where="post", color="black", marker=marker)
    axes.set_ylim(-0.2, most + 0.2)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=5)
    save_figure(figure, path, _DPI)
