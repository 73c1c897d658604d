"""How well a teacher teaches one kind of network, step by step."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf import plots
from gtn_tf.accuracy import measures_of, over_learners
from gtn_tf.atomic_file import as_csv, write
from gtn_tf.countdown import Countdown
from gtn_tf.data import Splits
from gtn_tf.errors import first_line, shown
from gtn_tf.evaluation import (
    FreshLearner,
    Lessons,
    RealLessons,
    real_data_sgd,
    shuffled,
    tuned_rates,
)
from gtn_tf.learners import named_learner
from gtn_tf.names import SPACES
from gtn_tf.run_files import RunError, damaged, read_json, read_rows
from gtn_tf.runs.curves import Curves, as_rows, tested_steps
from gtn_tf.shapes import expect_pictures
from gtn_tf.supernet import held_out_genotype
from gtn_tf.teaching import TrainedTeacher

# What learners are taught with, and its name in pictures and tables.
SOURCES = {
    "teacher": "lessons",
    "shuffled": "lessons, batches shuffled",
    "real": "real data, the teacher's rates",
    "real_tuned": "real data, rates tuned for it",
}


def evaluate(
    teacher: TrainedTeacher,
    splits: Splits,
    learner: str,
    folder: Path,
    learners: int = 10,
    every: int = 1,
    sources: Sequence[str] = tuple(SOURCES),
    report: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Teaches fresh learners and tests them on the test images, step by step.

    An evaluation that was interrupted goes on where it stopped, to the same result.

    Args:
        teacher: The teacher.
        splits: The real data.
        learner: Name of the network; see `gtn_tf.learners.named_learner`. With the name
            of a cell space, each learner is another random architecture, of one cell in
            each stage and 8 channels, that meta-training never drew.
        folder: Folder for `curves.csv`, `curves.png` and `evaluation.json`.
        learners: Fresh learners for each source.
        every: Inner steps between tests; the last step is always tested.
        sources: What they are taught with; some of `SOURCES`.
        report: Called with each line of progress.

    Returns:
        The content of `evaluation.json`.

    Raises:
        TeacherError: If the data does not fit the teacher.
        RunError: If the folder has another evaluation.
    """
    real = RealLessons(splits, teacher)
    settings: dict[str, Any] = {
        "teacher": _digest(teacher),
        "dataset": splits.title,
        "learner": learner,
        "learners": learners,
        "sources": list(sources),
        "steps": tested_steps(teacher.steps, every),
    }
    _claim(folder, settings)
    file = folder / "curves.csv"
    curves = _read(file, settings, measures_of(splits.test_labels))
    for source in sources:
        _finish(source, curves, teacher, real, settings, file, report)
    results = {
        source: over_learners(
            np.stack([curves[source, n][-1] for n in range(learners)])
        )
        for source in sources
    }
    plots.learning_curves(
        {
            SOURCES[source]: np.stack(
                [curves[source, n][:, 0] for n in range(learners)]
            )
            for source in sources
        },
        settings["steps"],
        f"{learners} fresh learners ({learner}) on {splits.title}: mean ± "
        "standard deviation",
        folder / "curves.png",
    )
    found = {**settings, "results": results}
    write(folder / "evaluation.json", json.dumps(found, indent=2) + "\n")
    return found


def _finish(
    source: str,
    curves: Curves,
    teacher: TrainedTeacher,
    real: RealLessons,
    settings: dict[str, Any],
    file: Path,
    report: Callable[[str], None],
) -> None:
    """Teaches the learners of one source that are still missing."""
    numbers = range(settings["learners"])
    missing = [n for n in numbers if (source, n) not in curves]
    if not missing:
        return
    learner = settings["learner"]
    optimizer = _optimizer(source, teacher, real, learner, report)
    fresh = None
    countdown = Countdown(len(numbers), done=len(numbers) - len(missing))
    for number in missing:
        lessons = _lessons(source, teacher, real, number)
        if fresh is None or learner in SPACES:
            fresh = FreshLearner(_network(learner, teacher, number), optimizer())
        # Whatever the source, learner n starts from the same weights.
        curve = fresh.curve(lessons, real.test, settings["steps"], (1, number))
        curves[source, number] = curve
        write(file, as_csv(as_rows(curves, settings["steps"])))
        report(
            f"{SOURCES[source]}: learner {number + 1} of {len(numbers)}, "
            f"{_ending(curve)}  {countdown.next().left}"
        )


def _ending(curve: np.ndarray) -> str:
    accuracy, *balanced = curve[-1]
    return f"{accuracy:.2%}" + "".join(f", balanced {one:.2%}" for one in balanced)


def _lessons(
    source: str, teacher: TrainedTeacher, real: RealLessons, number: int
) -> Lessons:
    if source == "teacher":
        return teacher.lessons(number)
    return shuffled(teacher, number) if source == "shuffled" else real.lessons(number)


def _optimizer(
    source: str,
    teacher: TrainedTeacher,
    real: RealLessons,
    learner: str,
    report: Callable[[str], None],
) -> Callable[[], tf.keras.optimizers.Optimizer]:
    """What makes the optimizer of a network."""
    if source != "real_tuned":
        return teacher.optimizer
    report("choosing the rates for real data on validation images ...")
    rate, momentum = tuned_rates(_network(learner, teacher, 0), real)
    report(f"  learning rate {rate}, momentum {momentum}")
    return functools.partial(real_data_sgd, rate, momentum)


def _network(learner: str, teacher: TrainedTeacher, number: int) -> tf.keras.Model:
    """The network of a learner; of a cell space, every learner has another one."""
    size = teacher.image_shape, len(teacher.class_names)
    if learner not in SPACES:
        return named_learner(learner, *size)
    shape = expect_pictures(size[0], f"learner {learner}", "mlp takes a table")
    genotype = held_out_genotype(learner, number)
    return SPACES.load(learner).network(genotype, shape, size[1], 1, 8, "evaluation")


def _digest(teacher: TrainedTeacher) -> str:
    arrays = teacher.arrays.values()
    content = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
    if not teacher.augmentation.is_none:
        content += str(teacher.augmentation).encode()
    return hashlib.sha256(content).hexdigest()[:16]


def _claim(folder: Path, settings: dict[str, Any]) -> None:
    """Saves the settings, or checks that those in the folder are the same."""
    file = folder / "evaluation.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            write(file, json.dumps(settings, indent=2) + "\n")
    except OSError as error:
        raise RunError(
            f"{folder}: expected a folder to write to, new or with an evaluation: "
            f"{error.strerror}"
        ) from None
    found = read_json(file)
    if not isinstance(found, dict):
        raise damaged(file, "no settings")
    for key, value in settings.items():
        if found.get(key) != value:
            raise RunError(
                f"{folder}: has an evaluation with {key} {shown(found.get(key))}, "
                f"not {shown(value)}; choose another --out"
            )


def _read(file: Path, settings: dict[str, Any], measures: Sequence[str]) -> Curves:
    """The complete curves."""
    if not file.exists():
        return {}
    found: dict[tuple[str, int], list[list[float]]] = {}
    try:
        rows = read_rows(file)
        if rows and measures[0] in rows[0] and measures[-1] not in rows[0]:
            return {}  # of an earlier version, which had one measure: taught again
        for row in rows:
            key = row["source"], int(row["learner"])
            found.setdefault(key, []).append([float(row[name]) for name in measures])
    except (KeyError, ValueError) as error:
        raise damaged(file, first_line(error)) from None
    length = len(settings["steps"])
    whole = {key: curve for key, curve in found.items() if len(curve) == length}
    return {key: np.array(curve) for key, curve in whole.items()}
