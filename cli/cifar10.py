"""How well does a teacher teach CIFAR-10?

    python cli/cifar10.py [--scale smoke|laptop|paper] [--data-dir D]

Meta-trains a full curriculum and the real-data baseline, tests fresh learners along
their inner steps, and draws samples of each class along the curriculum. At the laptop
scale it also times a meta-iteration of the paper's size and estimates the time of all.
Interrupted, the same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from common import (
    accuracy_curves,
    add_recipe_arguments,
    meta_train_all,
    of_runs,
    publish,
    read_table,
    run_name,
    say,
    summary,
    write_table,
)
from gtn_tf import plots, reports
from gtn_tf.accuracy import mean_and_std
from gtn_tf.atomic_file import whole
from gtn_tf.build import build_gtn
from gtn_tf.config import Config, load_config
from gtn_tf.runs.splits import load_splits
from gtn_tf.teaching import load_teacher
from mnist import SMOKE

_ARM = "cifar10"


class _Scale(NamedTuple):
    preset: str
    changes: tuple[str, ...]
    timed: str | None  # the preset whose meta-iterations are timed


_SCALES = {
    "paper": _Scale("cifar10_paper", ("evaluation.every=4",), None),
    "laptop": _Scale("cifar10_laptop", ("evaluation.every=2",), "cifar10_paper"),
    "smoke": _Scale("digits", (*SMOKE, "evaluation.real_data_iterations=2"), None),
}


def main() -> None:
    """Parses the command line; runs or resumes the experiment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_recipe_arguments(parser, _SCALES, "cifar10")
    options = parser.parse_args()
    scale = _SCALES[options.scale]
    config = load_config(scale.preset, scale.changes)
    name = run_name(_ARM, config.seed)
    folder = meta_train_all({name: config}, options)[name]
    dataset = summary(folder)["dataset"]
    write_table(_curves(folder, dataset), options.out / "curves.csv")
    _write_samples(folder, options.out / "samples.npz")
    facts = {"dataset": dataset, **of_runs({}, {name: folder})}
    if scale.timed:
        facts.update(_cost(load_config(scale.timed), options))
    publish("cifar10", options, scale, config, _figures(config, dataset), **facts)


def _curves(folder: Path, dataset: str) -> list[dict[str, Any]]:
    rows = read_table(folder / "curves.csv")
    last = max(row["step"] for row in rows)
    for source in dict.fromkeys(row["source"] for row in rows):
        found = [
            row["accuracy"]
            for row in rows
            if (row["source"], row["step"]) == (source, last)
        ]
        learners = mean_and_std(found)
        accuracy = f"{learners['mean']:.2%} \u00b1 {learners['std']:.2%}"
        say(f"{source} on {dataset}: {accuracy} after {last:.0f} steps")
    return rows


def _write_samples(folder: Path, file: Path) -> None:
    """Saves the images of the sample sheet, as bytes."""
    teacher = load_teacher(folder)
    names = teacher.class_names
    grid = plots.curriculum_grid(
        teacher.images, teacher.classes, len(names), *teacher.scale()
    )
    with whole(file) as unfinished:
        np.savez_compressed(
            unfinished,
            grid=np.round(255 * grid).astype(np.uint8),
            steps=teacher.steps,
            class_names=np.array(names),
        )


def _cost(config: Config, options: argparse.Namespace) -> dict[str, Any]:
    """Times a meta-iteration, once, and estimates the time of all."""
    file = options.run_dir / options.scale / "paper_iteration.csv"
    if not file.exists():
        write_table([{"seconds": _seconds_of_an_iteration(config, options)}], file)
    seconds = read_table(file)[0]["seconds"]
    days = seconds * config.meta.iterations / 86400
    say(f"{seconds:.0f} s for a meta-iteration, {days:.1f} days for all")
    return {
        "paper_seconds_per_meta_iteration": round(seconds, 1),
        "paper_meta_iterations": config.meta.iterations,
        "paper_days": round(days, 2),
    }


def _seconds_of_an_iteration(config: Config, options: argparse.Namespace) -> float:
    say("timing a meta-iteration of the paper's size: some minutes")
    splits = load_splits(
        config.data, options.data_dir, batch_size=config.meta.batch_size
    )
    ends: list[float] = []
    clock = tf.keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda *_: ends.append(time.monotonic())
    )
    gtn = build_gtn(config, splits)
    gtn.fit(splits.train, steps_per_epoch=2, callbacks=[clock], verbose=0)
    return ends[1] - ends[0]  # the first includes tracing


def _figures(config: Config, dataset: str) -> list[reports.FigureSpec]:
    over = f"{config.evaluation.learners} learners on {dataset}"
    curves = accuracy_curves("source", "step", "inner steps", "accuracy", over)
    title = f"What {config.teacher.steps} steps of {dataset} are taught with"
    sheet = reports.FigureSpec("samples.png", "images", "samples.npz", title=title)
    return [curves, sheet]


if __name__ == "__main__":
    main()
