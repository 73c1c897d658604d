"""Where should the data of the inner loop come from?

    python cli/inner_loop_data.py [--scale smoke|laptop|paper] [--data-dir D]

On MNIST, learners are taught on real data, on distilled images (Dataset Distillation),
on a GTN's full curriculum, and on that of a GTN with the widest generator that stores
no more parameters than the distilled images are, each with rates of its own, learned
in as many meta-iterations. They are tested along their inner steps. Then real data gets
more steps, with a learning rate and a momentum chosen for each number of them on
validation images. Interrupted, the same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from common import (
    accuracy_curves,
    add_recipe_arguments,
    meta_train_all,
    of_runs,
    publish,
    read_table,
    run_name,
    say,
    write_table,
)
from gtn_tf import reports
from gtn_tf.accuracy import mean_and_std
from gtn_tf.build import build_gtn
from gtn_tf.config import Config
from gtn_tf.data import Splits
from gtn_tf.evaluation import TaughtLearners
from gtn_tf.gtn import GTN
from gtn_tf.runs.splits import load_splits
from mnist import mnist_config

_REAL, _DISTILLED = "real data", "dataset distillation"
_GTN, _EQUAL = "full curriculum", "full curriculum, parameters of distillation"
_TUNED = "real data, rates tuned for each number of steps"
_RATES = (0.01, 0.03, 0.1, 0.3)
_MOMENTA = (0.5, 0.9)
_VALIDATION = 4  # batches of 500 validation images, for the choice
_TRIALS = 2  # fresh learners for each pair


class _Scale(NamedTuple):
    seeds: int
    lengths: tuple[int, ...]  # inner steps of real data, with tuned rates
    learners: int  # fresh learners that test them


_SCALES = {
    "paper": _Scale(3, (32, 64, 128, 256, 512, 1024), 10),
    "laptop": _Scale(3, (32, 64, 128, 256, 512), 10),
    "smoke": _Scale(1, (3, 6), 2),
}


def main() -> None:
    """Parses the command line; runs or resumes the experiment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_recipe_arguments(parser, _SCALES, "inner_loop_data")
    options = parser.parse_args()
    scale = _SCALES[options.scale]
    splits = load_splits(mnist_config(options.scale).data, options.data_dir)
    arms = _arms(options.scale, splits)
    configs = {
        run_name(arm, seed): mnist_config(options.scale, *changes, f"seed={seed}")
        for seed in range(scale.seeds)
        for arm, changes in arms.items()
    }
    folders = meta_train_all(configs, options)
    rows = [
        {"source": arm, "seed": seed, **row}
        for arm in arms
        for seed in range(scale.seeds)
        for row in _by_step(folders[run_name(arm, seed)])
    ]
    tuned = real_data_by_length(options, scale)
    rows += [{"source": _TUNED, **row} for row in tuned]
    write_table(rows, options.out / "curves.csv")
    write_table(_steps_to_reach(rows), options.out / "steps.csv")
    config, facts = mnist_config(options.scale), of_runs(arms, folders)
    facts["stored_numbers"] = {
        arm: _stored(mnist_config(options.scale, *changes), splits)
        for arm, changes in arms.items()
    }
    publish("inner_loop_data", options, scale, config, [_figure(scale)], **facts)


def _arms(scale: str, splits: Splits) -> dict[str, list[str]]:
    """The changes of the configuration for each source."""
    distilled = ["teacher.source=dataset_distillation"]
    most = _stored(mnist_config(scale, *distilled), splits)
    return {
        _REAL: ["teacher.source=real_data"],
        _DISTILLED: distilled,
        _GTN: [],
        _EQUAL: [f"generator.units={_units(scale, splits, most)}"],
    }


def _stored(config: Config, splits: Splits) -> int:
    """The number of values that a teacher stores, including its rates."""
    variables = build_gtn(config, splits).trainable_variables
    return sum(math.prod(variable.shape) for variable in variables)


def _units(scale: str, splits: Splits, most: int) -> int:
    """The most generator units with which a GTN stores at most `most` values."""
    one, two = (
        _stored(mnist_config(scale, f"generator.units={n}"), splits) for n in (1, 2)
    )
    return max(1, 1 + (most - one) // (two - one))  # linear in the units


def _by_step(folder: Path) -> list[dict[str, Any]]:
    """Inner steps and the mean accuracy of a run's fresh learners after them."""
    rows = read_table(folder / "curves.csv")
    return [
        {"step": int(step), "accuracy": mean_and_std(values)["mean"]}
        for step in sorted({row["step"] for row in rows})
        for values in [[row["accuracy"] for row in rows if row["step"] == step]]
    ]


def real_data_by_length(
    options: argparse.Namespace, scale: _Scale
) -> list[dict[str, Any]]:
    """Tests learners after several numbers of real steps, with rates chosen for each.

    Args:
        options: As parsed.
        scale: The sizes.

    Returns:
        For each length and seed: the pair of rates and the learners' mean accuracy.
    """
    file = options.run_dir / options.scale / "real_data_by_length.csv"
    found = read_table(file)
    for seed in range(scale.seeds):
        if any(row["seed"] == seed for row in found):
            continue
        say(f"real data for up to {scale.lengths[-1]} steps, seed {seed}")
        config = mnist_config(
            options.scale,
            f"seed={seed}",
            "teacher.source=real_data",
            f"teacher.steps={scale.lengths[-1]}",
            "inner_optimizer.rates=fixed",
        )
        splits = load_splits(config.data, options.data_dir, seed=seed)
        found += [{"seed": seed, **row} for row in _tuned(config, scale, splits)]
        write_table(found, file)
    return found


def _tuned(config: Config, scale: _Scale, splits: Splits) -> list[dict[str, Any]]:
    """For each number of steps, the best rates and the learners' accuracy."""
    gtn = build_gtn(config, splits)
    learners = TaughtLearners(gtn)
    validation = splits.validation.take(_VALIDATION)
    scores = {}
    for pair in [(rate, momentum) for rate in _RATES for momentum in _MOMENTA]:
        _set_rates(gtn, *pair)
        found = learners.accuracies(validation, _TRIALS, scale.lengths)
        scores[pair] = found[..., 0].mean(axis=0)  # [lengths]
        say(f"  rates {pair}: {', '.join(f'{a:.1%}' for a in scores[pair])}")
    rows = []
    for place, length in enumerate(scale.lengths):
        rate, momentum = max(scores, key=lambda pair: scores[pair][place])
        _set_rates(gtn, rate, momentum)
        tested = learners.accuracies(splits.test, scale.learners, [length])
        rates = {"learning_rate": rate, "momentum": momentum}
        rows.append({"step": length, "accuracy": float(tested[..., 0].mean()), **rates})
    return rows


def _set_rates(gtn: GTN, learning_rate: float, momentum: float) -> None:
    gtn.inner_optimizer.log_learning_rate.assign([math.log(learning_rate)])
    gtn.inner_optimizer.log_momentum.assign([math.log(momentum)])


def _steps_to_reach(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each source, its last accuracy and how many real steps reach it."""
    curves = {arm: _means(rows, arm) for arm in (_REAL, _DISTILLED, _GTN, _EQUAL)}
    real = {
        "real_steps_tuned_rates": _means(rows, _TUNED),
        "real_steps_learned_rates": curves[_REAL],
    }
    table = []
    for arm, curve in curves.items():
        steps, means, stds = zip(*curve)
        line = {"source": arm, "steps": steps[-1], "mean": means[-1], "std": stds[-1]}
        for column, real_curve in real.items():
            line[column] = _first_to_reach(means[-1], real_curve)
        table.append(line)
        say(
            f"{arm}: {line['mean']:.2%} \u00b1 {line['std']:.2%} after {line['steps']} "
            f"steps; real steps that reach it: {line['real_steps_tuned_rates']} "
            f"with tuned rates, {line['real_steps_learned_rates']} with learned ones"
        )
    return table


def _first_to_reach(
    accuracy: float, curve: Sequence[tuple[int, float, float]]
) -> int | str:
    return next(
        (step for step, mean, _ in curve if mean >= accuracy),
        f"more than {curve[-1][0]}",
    )


def _means(
    rows: Sequence[dict[str, Any]], source: str
) -> list[tuple[int, float, float]]:
    """Steps, mean and standard deviation over seeds."""
    mine = [row for row in rows if row["source"] == source]
    found = []
    for step in sorted({int(row["step"]) for row in mine}):
        seeds = mean_and_std([row["accuracy"] for row in mine if row["step"] == step])
        found.append((step, seeds["mean"], seeds["std"]))
    return found


def _figure(scale: _Scale) -> reports.FigureSpec:
    over = f"{scale.seeds} seeds"
    axis = "step", "inner steps", "accuracy"
    return accuracy_curves("source", *axis, over, y_range=(0, 100), log=True)


if __name__ == "__main__":
    main()
