"""How much does the order of generated data matter? (paper, figure 1c)

    python cli/curricula.py [--scale smoke|laptop|paper] [--data-dir D]

Meta-trains the four curricula of the paper on MNIST, and the full curriculum with
random inputs that are not learned, each with several seeds. Fresh learners are tested
along meta-training, and after it with the full curricula played back in their order
and in a shuffled one. Interrupted, the same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from common import (
    accuracy_curves,
    add_recipe_arguments,
    after_all_steps,
    meta_train_all,
    of_runs,
    publish,
    read_table,
    run_name,
    say,
    summary,
    write_table,
)
from gtn_tf import reports
from gtn_tf.accuracy import mean_and_std
from gtn_tf.config import Config
from gtn_tf.runs.splits import load_splits
from gtn_tf.teaching import load_teacher
from mnist import mnist_config

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
    "laptop": _Scale(tuple(_ARMS), 3, "conv", 10, (0, 100)),
    "smoke": _Scale((_FULL, _FIXED), 1, "mlp", 2, None),
}


def main() -> None:
    """Parses the command line; runs or resumes the experiment."""
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
    write_table(_curves(scale, folders), options.out / "curves.csv")
    played = _played_back(scale, configs, folders, options)
    write_table(played, options.out / "played_back.csv")
    write_table(_summary(scale, folders), options.out / "summary.csv")
    config, facts = mnist_config(options.scale), of_runs(_ARMS, folders)
    publish("curricula", options, scale, config, _figures(scale), **facts)


def _curves(scale: _Scale, folders: Mapping[str, Path]) -> list[dict[str, Any]]:
    """Test accuracy after each epoch of each run."""
    return [
        {
            "curriculum": arm,
            "seed": seed,
            "meta_iterations": int(row["iteration"]),
            "test_accuracy": row["test_accuracy"],
        }
        for arm in scale.arms
        for seed in range(scale.seeds)
        for row in read_table(folders[run_name(arm, seed)] / "metrics.csv")
    ]


def _played_back(
    scale: _Scale,
    configs: Mapping[str, Config],
    folders: Mapping[str, Path],
    options: argparse.Namespace,
) -> list[dict[str, Any]]:
    """Fresh learners taught in the curriculum's order and in a shuffled one."""
    rows = []
    for arm, seed in itertools.product((_FULL, _FIXED), range(scale.seeds)):
        name = run_name(arm, seed)
        splits = load_splits(configs[name].data, options.data_dir, seed=seed)
        found = after_all_steps(
            load_teacher(folders[name]),
            splits,
            [scale.learner],
            folders[name] / "played_back",
            scale.learners,
            tuple(_PLAYED),
        )
        for source, result in found[scale.learner].items():
            played = f"{arm}, {_PLAYED[source]}"
            accuracy = {"test_accuracy": result["mean"], "std": result["std"]}
            rows.append({"played": played, "seed": seed, **accuracy})
    return rows


def _summary(scale: _Scale, folders: Mapping[str, Path]) -> list[dict[str, Any]]:
    """One line for each curriculum: fresh learners after the last meta-iteration."""
    table = []
    for arm in scale.arms:
        of_arm = [folders[run_name(arm, seed)] for seed in range(scale.seeds)]
        found = mean_and_std([summary(one)["test_accuracy_mean"] for one in of_arm])
        say(f"{arm}: {found['mean']:.2%} \u00b1 {found['std']:.2%}")
        table.append({"curriculum": arm, **found, "seeds": scale.seeds})
    return table


def _figures(scale: _Scale) -> list[reports.FigureSpec]:
    return [
        accuracy_curves(
            "curriculum",
            "meta_iterations",
            "meta-iterations",
            "test_accuracy",
            f"{scale.seeds} seeds",
            y_range=scale.y_range,
        ),
        reports.FigureSpec(
            "played_back.png",
            "dots",
            "played_back.csv",
            by="played",
            y="test_accuracy",
            y_label=f"test accuracy of fresh learners ({scale.learner}) [%]",
            factor=100,
        ),
    ]


if __name__ == "__main__":
    main()
