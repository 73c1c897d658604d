"""How much does the order of generated data matter? (paper, figure 1c)

    python cli/curricula.py [--scale smoke|laptop|paper] [--data-dir D]

Meta-trains the four curricula of the paper on MNIST, and the full curriculum with
random inputs that are not learned, each with several seeds. Fresh learners are tested
along meta-training, and after it with the full curricula played back in their order
and in a shuffled one. Interrupted, the same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from common import (
    add_recipe_arguments,
    meta_train_all,
    run_name,
    say,
    summary,
    write_run_facts,
    write_table,
)
from mnist import mnist_config

from gtn_tf import runs
from gtn_tf.accuracy import mean_and_std
from gtn_tf.runs.splits import load_splits
from gtn_tf.teaching import load_teacher

_FULL, _FIXED = "full curriculum", "full curriculum, inputs not learned"
_ARMS = {
    "no curriculum": ["teacher.source=no_curriculum"],
    "all shuffled": ["teacher.source=all_shuffled"],
    "shuffled batch": ["teacher.source=shuffled_batch"],
    _FULL: [],
    _FIXED: ["teacher.learned_latents=false"],
}
_PLAYED = {"teacher": "in order", "shuffled": "shuffled"}


class _Scale(NamedTuple):
    arms: tuple[str, ...]
    seeds: int
    learner: str  # the network that is taught in order and in a shuffled one
    learners: int  # fresh ones of it
    y_range: tuple[float, float] | None  # shown, in per cent


_SCALES = {
    "paper": _Scale(tuple(_ARMS), 3, "conv", 10, (90, 100)),
    "laptop": _Scale(tuple(_ARMS), 3, "conv", 10, (80, 100)),
    "smoke": _Scale((_FULL, _FIXED), 1, "mlp", 2, None),
}


def main() -> None:
    """Reads the command line and does what is left to do."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_recipe_arguments(parser, _SCALES, "curricula")
    options = parser.parse_args()
    scale = _SCALES[options.scale]
    configs = {
        run_name(arm, seed): mnist_config(options.scale, *_ARMS[arm], f"seed={seed}")
        for seed in range(scale.seeds)
        for arm in scale.arms
    }
    folders = meta_train_all(configs, options)
    rows, played = [], []
    for seed in range(scale.seeds):
        for arm in scale.arms:
            folder = folders[run_name(arm, seed)]
            rows += [{"curriculum": arm, "seed": seed, **r} for r in _tested(folder)]
        for arm in (_FULL, _FIXED):
            config = configs[run_name(arm, seed)]
            splits = load_splits(config.data, options.data_dir, seed=seed)
            found = _played_back(folders[run_name(arm, seed)], splits, scale)
            played += [
                {"played": f"{arm}, {how}", "seed": seed, **r} for how, r in found
            ]
    write_table(rows, options.out / "curves.csv")
    write_table(played, options.out / "played_back.csv")
    _write_summary(scale, folders, options.out)
    command = f"python cli/curricula.py --scale {options.scale}"
    config = mnist_config(options.scale)
    write_run_facts(options.out, command, scale, config, _ARMS, folders)
    runs.write_figures(options.out, _figures(scale))
    runs.draw_figures(options.out, say)


def _tested(folder: Path) -> list[dict[str, Any]]:
    """Meta-iterations and test accuracy, after each epoch of a run."""
    with (folder / "metrics.csv").open(encoding="utf-8", newline="") as lines:
        return [
            {
                "meta_iterations": int(row["iteration"]),
                "test_accuracy": float(row["test_accuracy"]),
            }
            for row in csv.DictReader(lines)
        ]


def _played_back(
    folder: Path, splits: Any, scale: _Scale
) -> list[tuple[str, dict[str, Any]]]:
    teacher = load_teacher(folder)
    found = runs.evaluate(
        teacher,
        splits,
        scale.learner,
        folder / "played_back",
        scale.learners,
        every=teacher.steps,
        sources=tuple(_PLAYED),
        report=say,
    )
    return [
        (_PLAYED[source], {"test_accuracy": result["mean"], "std": result["std"]})
        for source, result in found["results"].items()
    ]


def _write_summary(scale: _Scale, folders: Mapping[str, Path], out: Path) -> None:
    """One line for each curriculum: fresh learners after the last meta-iteration."""
    table = []
    for arm in scale.arms:
        runs_of_arm = [folders[run_name(arm, seed)] for seed in range(scale.seeds)]
        found = [summary(folder)["test_accuracy_mean"] for folder in runs_of_arm]
        over_seeds = mean_and_std(found)
        table.append({"curriculum": arm, **over_seeds, "seeds": len(found)})
        say(f"{arm}: {over_seeds['mean']:.2%} \u00b1 {over_seeds['std']:.2%}")
    write_table(table, out / "summary.csv")


def _figures(scale: _Scale) -> list[runs.FigureSpec]:
    accuracy = {"y": "test_accuracy", "factor": 100}
    return [
        runs.FigureSpec(
            "curves.png",
            "curves",
            "curves.csv",
            by="curriculum",
            x="meta_iterations",
            x_label="meta-iterations",
            y_label="test accuracy of fresh learners [%]",
            title=f"Mean of {scale.seeds} seeds, band: \u00b1 standard deviation",
            y_range=scale.y_range,
            **accuracy,
        ),
        runs.FigureSpec(
            "played_back.png",
            "dots",
            "played_back.csv",
            by="played",
            y_label=f"test accuracy of fresh learners ({scale.learner}) [%]",
            **accuracy,
        ),
    ]


if __name__ == "__main__":
    main()
