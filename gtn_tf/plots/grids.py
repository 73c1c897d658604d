"""Pictures of a teacher's images, in rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib.image
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from gtn_tf.atomic_file import whole
from gtn_tf.plots.saving import save_figure

_COLUMNS = 16  # inner steps shown
_ROWS = 32  # classes shown
_GAP = 1  # pixels between images
_WHITE = 1.0
_DPI = 120


def curriculum_grid(
    images: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
    mean: Sequence[float] | np.ndarray,
    std: Sequence[float] | np.ndarray,
) -> np.ndarray:
    """Draws a curriculum: a row for each class, a column for each shown step.

    Of more than 32 classes, the first are drawn.

    Args:
        images: Normalised, `[steps, batch, h, w, c]`.
        labels: `[steps, batch]`.
        num_classes: Number of classes.
        mean: Mean of each channel, as in normalisation.
        std: Standard deviation of each channel.

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
    shown = shown_steps(len(images))
    rows = [
        [_first(images[step], labels[step] == label) for step in shown]
        for label in range(min(num_classes, _ROWS))
    ]
    return image_grid(rows, mean, std)


def image_grid(
    rows: Sequence[Sequence[np.ndarray | None]],
    mean: Sequence[float] | np.ndarray,
    std: Sequence[float] | np.ndarray,
) -> np.ndarray:
    """Arranges images in a grid.

    Args:
        rows: Normalised images `[h, w, c]` of each row, or `None` for a gap. Shorter
            rows end in gaps.
        mean: Mean of each channel, as in normalisation.
        std: Standard deviation of each channel.

    Returns:
        float32 pixels between 0 and 1, `[rows * (h + 1) + 1, columns * (w + 1) + 1,
        c]`; grey, the mean over channels, if these are neither 1 nor 3.
    """
    given = [image for row in rows for image in row if image is not None]
    height, width, channels = given[0].shape
    size = len(rows) * (height + _GAP), max(map(len, rows)) * (width + _GAP)
    grid = np.full([size[0] + _GAP, size[1] + _GAP, channels], _WHITE, np.float32)
    for number, row in enumerate(rows):
        top = number * (height + _GAP) + _GAP
        for column, image in enumerate(row):
            if image is not None:
                left = column * (width + _GAP) + _GAP
                pixels = image * np.array(std) + np.array(mean)
                grid[top : top + height, left : left + width] = pixels.clip(0, 1)
    return grid if channels in (1, 3) else grid.mean(axis=-1, keepdims=True)


def _first(images: np.ndarray, chosen: np.ndarray) -> np.ndarray | None:
    (found,) = np.nonzero(chosen)
    return images[found[0]] if len(found) else None


def shown_steps(steps: int) -> list[int]:
    """Inner steps that a grid shows: all, or 16 from the first to the last.

    Args:
        steps: Inner steps, T.

    Returns:
        Indices of steps, from 0.
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
    with whole(path) as unfinished:
        matplotlib.image.imsave(unfinished, pixels)


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
        class_names: One for each class.
        title: Above the picture.
        path: The PNG file.
    """
    if len(class_names) > _ROWS:
        title = f"{title}: {_ROWS} of {len(class_names)} classes"
    columns = [str(step + 1) for step in shown_steps(steps)]
    figure = labelled_grid(grid, class_names[:_ROWS], columns, title)
    figure.axes[0].set(xlabel="inner step", ylabel="class")
    save_figure(figure, path, _DPI)


def labelled_grid(
    grid: np.ndarray,
    row_names: Sequence[str],
    column_names: Sequence[str],
    title: str,
) -> Figure:
    """Draws a grid with its rows and columns named.

    Args:
        grid: What `image_grid` returned.
        row_names: One for each row.
        column_names: One for each column; none for columns without names.
        title: Above the picture.

    Returns:
        The figure.
    """
    height, width, _ = grid.shape
    inches = 9.0
    figure = Figure((inches, inches * height / width + 0.9), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(np.repeat(grid, 3, axis=-1) if grid.shape[-1] == 1 else grid)
    axes.set_xticks(_centres(width, len(column_names)), column_names)
    axes.set_yticks(_centres(height, len(row_names)), row_names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(title=title)
    return figure


def save_animation(figures: Sequence[Figure], path: Path, seconds: float = 0.5) -> None:
    """Writes figures as an animated GIF.

    Args:
        figures: The frames, all of one size.
        path: The file.
        seconds: For each frame.
    """
    frames = []
    for figure in figures:
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        frames.append(Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy()))
    with whole(path) as unfinished:
        frames[0].save(
            unfinished,
            save_all=True,
            append_images=frames[1:],
            duration=round(1000 * seconds),
            loop=0,
        )


def _centres(length: int, count: int) -> list[float]:
    return [(i + 0.5) * (length - _GAP) / count for i in range(count)]
