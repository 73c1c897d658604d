"""Pictures of numbers: hyperparameters, learning curves and a matrix of accuracies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gtn_tf.plots.saving import save_figure

# Okabe and Ito's colours, which the colour-blind can tell apart; and a dash for each.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
_DPI = 120
_FEW = 5  # at most so many runs are drawn one by one


def hyperparameters(values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Draws the hyperparameters of each inner step, side by side.

    Args:
        values: For each name, such as `"learning_rate"`, an array `[steps]`.

    Returns:
        uint8 pixels `[h, w, 4]`.
    """
    figure = Figure((3 * len(values), 3), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    for axes, (name, of_steps) in zip(
        figure.subplots(1, len(values), squeeze=False)[0], values.items()
    ):
        axes.plot(np.arange(len(of_steps)) + 1, of_steps)
        axes.set(xlabel="inner step", title=name.replace("_", " "))
        axes.set_ylim(bottom=0)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def bands(
    curves: Mapping[str, tuple[Sequence[float], np.ndarray]],
    labels: tuple[str, str, str],
    path: Path,
    y_range: tuple[float, float] | None = None,
    log_x: bool = False,
) -> None:
    """Draws curves of several runs each: a mean, and a band of standard deviation.

    A few runs are also drawn one by one, so that the mean hides no failure.

    Args:
        curves: For each name, places on the x axis and the runs' values there,
            `[runs, places]`.
        labels: Names of the x axis and the y axis, and the title.
        path: The PNG file.
        y_range: What the y axis shows; a band ends there.
        log_x: Whether the x axis is logarithmic.
    """
    x_label, y_label, title = labels
    figure = Figure((8, 5.2), layout="constrained")
    axes = figure.add_subplot(xlabel=x_label, ylabel=y_label, title=title)
    for number, (name, (places, values)) in enumerate(curves.items()):
        colour, dash = curve_style(number)
        mean = np.mean(values, axis=0)
        spread = np.std(values, axis=0, ddof=min(1, len(values) - 1))
        few = "o" if len(places) < 12 else ""
        axes.plot(places, mean, linestyle=dash, color=colour, marker=few, label=name)
        ends = mean - spread, mean + spread
        axes.fill_between(places, *ends, color=colour, alpha=0.2, linewidth=0)
        if 1 < len(values) <= _FEW:
            axes.plot(places, np.transpose(values), color=colour, linewidth=0.5)
    if any(1 < len(values) <= _FEW for _, values in curves.values()):
        axes.plot([], [], color="black", linewidth=0.5, label="one run")
    if y_range:
        axes.set_ylim(*y_range)
    if log_x:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.3)
    legend_below(figure)
    save_figure(figure, path, _DPI)


def legend_below(figure: Figure, shown: Mapping[str, Any] | None = None) -> None:
    """Puts the legend below the axes, in as many columns as fit.

    Args:
        figure: The figure.
        shown: For each name, what is drawn of it; by default all that has a label.
    """
    given: dict[str, Any] = {}
    if shown is not None:
        given = {"handles": [*shown.values()], "labels": [*shown]}
    for columns in (3, 2, 1):
        legend = figure.legend(loc="outside lower center", ncols=columns, **given)
        if columns == 1 or legend.get_window_extent().width < figure.bbox.width:
            return
        legend.remove()


def learning_curves(
    curves: Mapping[str, np.ndarray], steps: Sequence[int], title: str, path: Path
) -> None:
    """Draws test accuracy by inner step.

    Args:
        curves: Accuracies of the learners for each name, `[learners, len(steps)]`.
        steps: Numbers of steps, from 1.
        title: Above the picture.
        path: The PNG file.
    """
    per_cent = {name: (steps, 100 * values) for name, values in curves.items()}
    labels = "inner step", "test accuracy [%]", title
    bands(per_cent, labels, path, y_range=(0, 100))


def curve_style(number: int) -> tuple[Any, Any]:
    """Colour and dash of a curve: each pair once, and the colours in turn.

    Args:
        number: Of the curve, from 0.
    """
    again, place = divmod(number, len(_COLOURS))
    return _COLOURS[place], _DASHES[(place + again) % len(_DASHES)]


def heat_map(
    mean: np.ndarray,
    std: np.ndarray,
    row_names: Sequence[str],
    column_names: Sequence[str],
    labels: tuple[str, str, str],
    path: Path,
) -> None:
    """Draws a matrix of accuracies, each written into its cell.

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
    save_figure(figure, path, _DPI)
