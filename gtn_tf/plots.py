"""Every picture that gtn_tf draws."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib.image
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_COLUMNS = 16  # inner steps shown
_GAP = 1  # pixels between images
_PAPER = 1.0  # white


def curriculum_grid(
    images: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
    mean: Sequence[float],
    std: Sequence[float],
) -> np.ndarray:
    """Lays a curriculum out: a row for each class, a column for each shown step.

    Args:
        images: Normalised, `[steps, batch, h, w, c]`.
        labels: `[steps, batch]`.
        num_classes: Number of rows.
        mean: What normalisation subtracted from each channel.
        std: What it divided by.

    Returns:
        float32 pixels between 0 and 1, `[rows * (h + 1) + 1, columns * (w + 1) + 1,
        c]`. A class that a batch lacks is left white.

    Example:

    >>> grid = curriculum_grid(
    ...     np.zeros([2, 3, 4, 4, 1]), np.array([[0, 1, 0], [1, 1, 0]]), 2, [0.5], [1]
    ... )
    >>> grid.shape
    (11, 11, 1)
    """
    steps, _, height, width, channels = images.shape
    shown = shown_steps(steps)
    rows, columns = height + _GAP, width + _GAP
    size = [num_classes * rows + _GAP, len(shown) * columns + _GAP, channels]
    grid = np.full(size, _PAPER, np.float32)
    for column, step in enumerate(shown):
        for label in range(num_classes):
            (found,) = np.nonzero(labels[step] == label)
            if len(found):
                top, left = label * rows + _GAP, column * columns + _GAP
                pixels = images[step, found[0]] * np.array(std) + np.array(mean)
                grid[top : top + height, left : left + width] = pixels.clip(0, 1)
    return grid


def shown_steps(steps: int) -> list[int]:
    """Inner steps that a grid shows: all, or 16 from the first to the last.

    Args:
        steps: Inner steps, T.

    Returns:
        Numbers of steps, from 0.
    """
    return sorted({round(s) for s in np.linspace(0, steps - 1, min(steps, _COLUMNS))})


def save_image(pixels: np.ndarray, path: Path, scale: int = 2) -> None:
    """Writes pixels as a PNG file.

    Args:
        pixels: `[h, w, c]` between 0 and 1.
        path: The file.
        scale: Screen pixels for each pixel's side.
    """
    pixels = np.kron(pixels, np.ones([scale, scale, 1], pixels.dtype))
    if pixels.shape[-1] == 1:
        pixels = np.repeat(pixels, 3, axis=-1)
    matplotlib.image.imsave(path, pixels)


def save_curriculum(
    grid: np.ndarray,
    steps: int,
    class_names: Sequence[str],
    title: str,
    path: Path,
) -> None:
    """Writes a curriculum with its classes and steps named.

    Args:
        grid: What `curriculum_grid` returned.
        steps: Inner steps, T.
        class_names: One for each row.
        title: Above the picture.
        path: The PNG file.
    """
    height, width, _ = grid.shape
    shown = shown_steps(steps)
    inches = 9.0
    figure = Figure((inches, inches * height / width + 0.9), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(np.repeat(grid, 3, axis=-1) if grid.shape[-1] == 1 else grid)
    axes.set_xticks(_centres(width, len(shown)), [step + 1 for step in shown])
    axes.set_yticks(_centres(height, len(class_names)), class_names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="inner step", ylabel="class", title=title)
    figure.savefig(path, dpi=120)


def _centres(length: int, count: int) -> list[float]:
    return [(i + 0.5) * (length - _GAP) / count for i in range(count)]


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
