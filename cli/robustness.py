"""Which networks can a teacher teach that it was not trained on?

    python cli/robustness.py [--scale smoke|laptop] [--data-dir D] [--out D]

Trains a teacher on each of four fixed networks and one on a mixed pool (the preset
mnist_generator), and tests each on five kinds of fresh networks. Interrupted, the same
command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import NamedTuple

from common import ROOT, after_all_steps, say
from gtn_tf import data, reports, runs
from gtn_tf.atomic_file import as_csv, write
from gtn_tf.config import load_config
from gtn_tf.names import LEARNERS
from gtn_tf.teaching import load_teacher

_FIXED = ["learners.architectures=1", "learners.filters=[16,32]", "learners.units=[64]"]
_PAPER = ["learners.weight_norm=true", "learners.batch_norm=mean_only"]
_CONV = ["learners.family=conv", "learners.global_pooling=false"]
TRAINED_ON = {
    "mixed": [],
    "conv": [*_FIXED, *_CONV, *_PAPER],
    "conv_pooled": [
        *_FIXED,
        *_PAPER,
        "learners.family=conv",
        "learners.global_pooling=true",
    ],
    "mlp": [
        *_FIXED,
        *_PAPER,
        "learners.family=mlp",
        "learners.global_pooling=false",
        "learners.units=[128,64]",
    ],
    "conv_full_norm": [
        *_FIXED,
        *_CONV,
        "learners.weight_norm=false",
        "learners.batch_norm=full",
    ],
}


class _Scale(NamedTuple):
    trained_on: tuple[str, ...]  # the teachers: rows of the matrix
    taught: tuple[str, ...]  # the networks: its columns
    learners: int  # fresh networks averaged in each cell
    overrides: tuple[str, ...] = ()  # of the preset


_SCALES = {
    "laptop": _Scale(tuple(TRAINED_ON), tuple(LEARNERS), 5, ("meta.iterations=700",)),
    "smoke": _Scale(
        ("mlp",),
        ("mlp", "keras_conv"),
        1,
        (
            "data.name=digits",
            "teacher.steps=3",
            "meta.intermediate_every=0",
            "meta.iterations=2",
            "meta.iterations_per_epoch=2",
            "meta.batch_size=20",
            "evaluation.real_data_iterations=2",
            "evaluation.learners=1",
        ),
    ),
}
_REAL = "real data"


def _figure(learners: int) -> reports.FigureSpec:
    return reports.FigureSpec(
        "matrix.png",
        "matrix",
        "matrix.csv",
        by="trained_on",
        x="taught",
        y="mean",
        x_label="fresh network that it teaches",
        y_label="teacher trained on",
        title=f"Test accuracy, mean ± standard deviation of {learners} networks",
    )


def main() -> None:
    """Parses the command line; runs or resumes the experiment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--scale", choices=_SCALES, default="laptop")
    add("--data-dir", type=Path, help="folder with MNIST's files")
    add("--out", type=Path, default=ROOT / "results" / "robustness")
    add("--run-dir", type=Path, default=ROOT / "runs" / "robustness")
    options = parser.parse_args()
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    measure(options.scale, options.data_dir, options.run_dir, options.out)
    reports.draw_figures(options.out, say)


def measure(name: str, data_dir: Path | None, run_dir: Path, out: Path) -> None:
    """Trains the teachers, tests them, and writes `matrix.csv` and `matrix.json`."""
    scale = _SCALES[name]
    rows, seconds = [], {}
    for number, family in enumerate(scale.trained_on):
        print(f"teacher {number + 1} of {len(scale.trained_on)}: {family}", flush=True)
        overrides = [*TRAINED_ON[family], *scale.overrides]
        config = load_config("mnist_generator", overrides)
        summary = runs.train(config, run_dir / family, True, data_dir, say)
        seconds[family] = summary["seconds"]
        splits = data.load(config.data.name, data_dir=data_dir)
        names = {"teacher": family}
        if family == scale.trained_on[-1]:
            names["real_tuned"] = _REAL  # once: it does not depend on the teacher
        rows += _test(names, run_dir / family, splits, scale)
    out.mkdir(parents=True, exist_ok=True)
    write(out / "matrix.csv", as_csv([("trained_on", "taught", "mean", "std"), *rows]))
    facts = {
        "command": f"python cli/robustness.py --scale {name}",
        "preset": "mnist_generator",
        "changes": {family: TRAINED_ON[family] for family in scale.trained_on},
        "more_changes": scale.overrides,
        "training_seconds": seconds,
        "learners": scale.learners,
        "seed": config.seed,
        **runs.machine(),
    }
    write(out / "matrix.json", json.dumps(facts, indent=2) + "\n")
    reports.write_figures(out, [_figure(scale.learners)])


def _test(
    names: dict[str, str], folder: Path, splits: data.Splits, scale: _Scale
) -> list[tuple]:
    """A row of the matrix for each source of lessons."""
    teacher, evaluations = load_teacher(folder), folder / "evaluate"
    results = after_all_steps(
        teacher, splits, scale.taught, evaluations, scale.learners, tuple(names)
    )
    rows = [
        (names[source], taught, round(result["mean"], 6), round(result["std"], 6))
        for taught, found in results.items()
        for source, result in found.items()
    ]
    return sorted(rows, key=lambda row: row[0] == _REAL)


if __name__ == "__main__":
    main()
