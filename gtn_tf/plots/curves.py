"""Pictures of numbers: rates, learning curves and a matrix of accuracies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Okabe and Ito's colours, which the colour-blind can tell apart; and a dash for each.
_STYLES = [
    ("#0072B2", "-"),
    ("#E69F00", "--"),
    ("#009E73", "-."),
    ("#CC79A7", ":"),
]
_DPI = 120


def rates(learning_rates: np.ndarray, momenta: np.ndarray) -> np.ndarray:
    """Draws the rates of each inner step.

    Args:
        learning_rates: `[steps]`.
        momenta: `[steps]`.

    Returns:
        uint8 pixels `[h, w, 4]`.
    """
    figure = Figure((6, 3), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel="inner step")
    steps = np.arange(len(learning_rates)) + 1
    axes.plot(steps, learning_rates, label="learning rate")
    axes.plot(steps, momenta, label="momentum")
    axes.set_ylim(bottom=0)
    axes.legend()
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def learning_curves(
    curves: Mapping[str, np.ndarray], steps: Sequence[int], title: str, path: Path
) -> None:
    """Draws test accuracy by inner step: a mean, and a band of standard deviation.

    Args:
        curves: Accuracies of the learners for each name, `[learners, len(steps)]`.
        steps: Numbers of steps, from 1.
        title: Above the picture.
        path: The PNG file.
    """
    figure = Figure((8, 4.8), layout="constrained")
    axes = figure.add_subplot(
        xlabel="inner step", ylabel="test accuracy [%]", title=title
    )
    for (name, values), (colour, dash) in zip(curves.items(), _STYLES):
        mean = 100 * np.mean(values, axis=0)
        spread = 100 * np.std(values, axis=0, ddof=min(1, len(values) - 1))
        few = "o" if len(steps) < 3 else ""
        axes.plot(steps, mean, dash, color=colour, marker=few, label=name)
        low, high = mean - spread, np.minimum(mean + spread, 100)
        axes.fill_between(steps, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.set_ylim(0, 100)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=_DPI)


def heat_map(
    mean: np.ndarray,
    std: np.ndarray,
    row_names: Sequence[str],
    column_names: Sequence[str],
    labels: tuple[str, str, str],
    path: Path,
) -> None:
    """Draws a matrix of accuracies, each written into its field.

    Args:
        mean: Between 0 and 1, `[rows, columns]`.
        std: Likewise.
        row_names: One for each row.
        column_names: One for each column.
        labels: Names of the rows' axis and the columns' axis, and the title.
        path: The PNG file.
    """
    rows, columns = mean.shape
    figure = Figure((2.6 + 1.3 * columns, 1.8 + 0.62 * rows), layout="constrained")
    axes = figure.add_subplot(ylabel=labels[0], xlabel=labels[1], title=labels[2])
    picture = axes.imshow(100 * mean, cmap="cividis", vmin=0, vmax=100, aspect="auto")
    axes.set_xticks(range(columns), column_names)
    axes.set_yticks(range(rows), row_names)
    for row in range(rows):
        for column in range(columns):
            value = mean[row, column]
            axes.text(
                column,
                row,
                f"{value:.1%}\n± {std[row, column]:.1%}",
                ha="center",
                va="center",
                color="black" if value > 0.6 else "white",
            )
    figure.colorbar(picture, label="test accuracy [%]")
    figure.savefig(path, dpi=_DPI)
