"""Pictures of a teacher's curriculum."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gtn_tf import plots
from gtn_tf.run_files import RunError
from gtn_tf.shapes import expect_pictures
from gtn_tf.teaching import TrainedTeacher

_EXAMPLES = 12  # of a class in a step, at most

Scale = tuple[np.ndarray, np.ndarray]


def sample(
    teacher: TrainedTeacher, folder: Path, report: Callable[[str], None] = print
) -> None:
    """Draws the curriculum.

    `curriculum.png` has a row for each class and a column for each step;
    `step-001.png` the examples of a step by class; `class-0.png` those of a class by
    step; `curriculum.gif` shows the steps one after the other.

    Args:
        teacher: The teacher.
        folder: Folder for the pictures.
        report: Called with each line of progress.

    Raises:
        RunError: If the folder cannot be written to.
        ArgumentError: If the lessons are lines of a table.
    """
    expect_pictures(
        teacher.image_shape, "sample", "in Python, teacher.images has the lessons"
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"{folder}: expected a folder to write to: {error.strerror}"
        ) from None
    scale = _scale(teacher)
    names = teacher.class_names
    grid = plots.curriculum_grid(teacher.images, teacher.classes, len(names), *scale)
    title = f"A curriculum of {teacher.steps} steps"
    path = folder / "curriculum.png"
    plots.save_curriculum(grid, teacher.steps, names, title, path)
    report(f"{path}")
    figures = [_step(teacher, step, scale) for step in range(teacher.steps)]
    for step, figure in enumerate(figures):
        plots.save_figure(figure, folder / f"step-{step + 1:03d}.png")
    report(f"{folder}/step-001.png to step-{teacher.steps:03d}.png")
    for label in range(len(names)):
        figure = _class(teacher, label, scale)
        plots.save_figure(figure, folder / f"class-{label}.png")
    report(f"{folder}/class-0.png to class-{len(names) - 1}.png")
    plots.save_animation(figures, folder / "curriculum.gif")
    report(f"{folder}/curriculum.gif")


def _step(teacher: TrainedTeacher, step: int, scale: Scale) -> Figure:
    names = teacher.class_names
    columns = [_examples(teacher, step, label) for label in range(len(names))]
    values = [
        f"{name.replace('_', ' ')} {value:.3f}"
        for name, value in teacher.values_of(step).items()
    ]
    title = f"Step {step + 1} of {teacher.steps}: {', '.join(values)}"
    grid = plots.image_grid(list(zip(*columns)), *scale)
    figure = plots.labelled_grid(grid, [], names, title)
    figure.axes[0].set(xlabel="class")
    return figure


def _class(teacher: TrainedTeacher, label: int, scale: Scale) -> Figure:
    shown = plots.shown_steps(teacher.steps)
    columns = [_examples(teacher, step, label) for step in shown]
    grid = plots.image_grid(list(zip(*columns)), *scale)
    names = [str(step + 1) for step in shown]
    title = f"Class {teacher.class_names[label]}"
    figure = plots.labelled_grid(grid, [], names, title)
    figure.axes[0].set(xlabel="inner step")
    return figure


def _examples(
    teacher: TrainedTeacher, step: int, label: int
) -> list[np.ndarray | None]:
    """The images of a class in a step, with gaps up to the largest number."""
    found = [*teacher.images[step][teacher.classes[step] == label][:_EXAMPLES]]
    classes = range(len(teacher.class_names))
    most = max(np.sum(teacher.classes == one, axis=1).max() for one in classes)
    return found + [None] * (min(most, _EXAMPLES) - len(found))


def _scale(teacher: TrainedTeacher) -> Scale:
    if teacher.description["normalization"] is not None:
        return teacher.scale()
    # Unknown: from the darkest pixel to the brightest.
    low, high = teacher.images.min(), teacher.images.max()
    channels = teacher.image_shape[2]
    spread = max(high - low, 1e-9)
    return np.full(channels, -low / spread), np.full(channels, 1 / spread)
