"""Draws the two pictures of the README from teachers of the repository.

python docs/pictures.py        writes docs/images/
"""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from PIL import Image, ImageOps

import gtn_tf
from gtn_tf import plots
from gtn_tf.teaching import TrainedTeacher

_ROOT = Path(__file__).resolve().parents[1]
IMAGES = _ROOT / "docs" / "images"

_INK, _FORWARD, _BACK, _BOX = "#222222", "#0072B2", "#D55E00", "#E6EEF5"
_SHOWN = (0, 1, 2, None, -1)  # steps in the picture of the method; None: dots
_TOP, _BOTTOM = 3.35, 1.5  # height of the generator's row and of the learner's
_COLOURS = 32  # of the palette, which makes a file small
_DPI = 130
_MARGIN = 8  # pixels of white around a picture


def main() -> None:
    """Writes both."""
    # The first has learned images, the second a generator.
    for name, draw, source in (
        ("curriculum", curriculum, "mnist"),
        ("method", method, _ROOT / "results" / "teachers" / "mnist_cells"),
    ):
        path = IMAGES / f"{name}.png"
        plots.save_figure(draw(gtn_tf.load_teacher(source)), path, _DPI)
        _shrink(path)
        print(path)


def _shrink(path: Path) -> None:
    """Crops white margins, and reduces the colours."""
    image = Image.open(path).convert("RGB")
    left, top, right, bottom = ImageOps.invert(image).getbbox()
    box = (
        max(left - _MARGIN, 0),
        max(top - _MARGIN, 0),
        right + _MARGIN,
        bottom + _MARGIN,
    )
    image.crop(box).quantize(_COLOURS).save(path, optimize=True)


def curriculum(teacher: TrainedTeacher) -> Figure:
    """A row for each class, a column for every other step."""
    names = teacher.class_names
    grid = plots.curriculum_grid(
        teacher.images, teacher.classes, len(names), *teacher.scale()
    )
    steps = [str(step + 1) for step in plots.shown_steps(teacher.steps)]
    figure = plots.labelled_grid(grid, names, steps, "")
    figure.axes[0].set(xlabel="inner step", ylabel="class")
    return figure


def method(teacher: TrainedTeacher) -> Figure:
    """One meta-iteration, from the generator to the meta-loss and back."""
    figure = Figure((10, 4.4))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 10), ylim=(0, 4.4))
    axes.axis("off")
    _box(axes, 1.0, _TOP, 1.4, "generator\nand its learned\ninputs")
    _box(axes, 1.0, _BOTTOM, 1.4, "fresh\nlearner")
    _box(axes, 9.3, _TOP, 1.2, "real images\nand labels")
    _box(axes, 7.9, _BOTTOM, 1.1, "trained\nlearner")
    _box(axes, 9.3, _BOTTOM, 1.2, "meta-loss")
    places = [2.5 + 1.05 * place for place in range(len(_SHOWN))]
    for step, x in zip(_SHOWN, places):
        if step is None:
            for height in (_TOP, _BOTTOM):
                axes.text(x, height, ". . .", size=15, ha="center", va="center")
        else:
            _step(axes, teacher, step, x)
    for x in (1.7, *(place + 0.4 for place in places)):
        _arrow(axes, [(x + 0.03, _BOTTOM), (x + 0.28, _BOTTOM)])
    _arrow(axes, [(1.73, _TOP), (1.98, _TOP)])
    _arrow(axes, [(8.47, _BOTTOM), (8.67, _BOTTOM)])
    _arrow(axes, [(9.3, _TOP - 0.5), (9.3, _BOTTOM + 0.5)])
    back = [(9.3, _BOTTOM - 0.5), (9.3, 0.55), (0.12, 0.55), (0.12, _TOP), (0.28, _TOP)]
    _arrow(axes, back, _BACK, 2.2)
    text = (
        "meta-gradient, back through all SGD steps: "
        "it changes the generator, its inputs and the rates"
    )
    axes.text(4.7, 0.2, text, size=11.5, ha="center", va="center", color=_BACK)
    return figure


def _step(axes: Axes, teacher: TrainedTeacher, step: int, x: float) -> None:
    """A generated batch above the SGD step that it is for."""
    rows = teacher.images[step][:9].reshape(3, 3, *teacher.image_shape)
    grid = plots.image_grid(rows, *teacher.scale())[..., 0]
    extent = (x - 0.4, x + 0.4, _TOP - 0.4, _TOP + 0.4)
    axes.imshow(grid, cmap="gray", vmin=0, vmax=1, extent=extent, aspect="auto")
    name = f"batch {step % teacher.steps + 1}"
    axes.text(x, _TOP + 0.55, name, size=10.5, ha="center")
    _box(axes, x, _BOTTOM, 0.78, "SGD\nstep")
    _arrow(axes, [(x, _TOP - 0.45), (x, _BOTTOM + 0.47)])
    rate, momentum = teacher.learning_rates[step], teacher.momenta[step]
    numbers = f"learning\nrate {rate:.2f}\nmom. {momentum:.2f}"
    style = {"va": "center", "color": _FORWARD, "linespacing": 1.05}
    axes.text(x + 0.07, (_TOP + _BOTTOM) / 2, numbers, size=8, **style)


def _box(axes: Axes, x: float, y: float, width: float, text: str) -> None:
    corner = (x - width / 2 + 0.06, y - 0.38)
    shape = FancyBboxPatch(
        corner, width - 0.12, 0.76, "round,pad=0.06", facecolor=_BOX, edgecolor=_INK
    )
    axes.add_patch(shape)
    axes.text(x, y, text, size=11, ha="center", va="center", color=_INK)


def _arrow(
    axes: Axes,
    points: list[tuple[float, float]],
    colour: str = _FORWARD,
    width: float = 1.6,
) -> None:
    """A line through all points, with its head at the last."""
    xs, ys = zip(*points)
    axes.plot(xs[:-1], ys[:-1], color=colour, linewidth=width)
    head = {"arrowstyle": "-|>", "color": colour, "linewidth": width}
    head |= {"shrinkA": 0, "shrinkB": 0, "mutation_scale": 14}
    axes.annotate("", points[-1], points[-2], arrowprops=head)


if __name__ == "__main__":
    main()
