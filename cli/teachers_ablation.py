"""What makes a teacher better for the same time?

    python cli/teachers_ablation.py [--scale smoke|laptop|all|mnist|seeds]
        [--data-dir D]

Meta-trains teachers that differ in what they start from, in their labels, their rates
and their meta-batch, on CIFAR-10 at 16x16 pixels, or on MNIST, each for equally many
meta-iterations, and tests them on fresh learners. Real data with learned rates is
beside them. Interrupted, the same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from common import (
    add_recipe_arguments,
    cpu_seconds,
    meta_train_all,
    of_runs,
    publish,
    read_table,
    run_name,
    summary,
    write_table,
)
from gtn_tf import reports
from gtn_tf.accuracy import mean_and_std
from gtn_tf.config import Config, load_config

_PIXELS = ["teacher.source=dataset_distillation"]
_REAL = [*_PIXELS, "teacher.init=real"]
_SOFT = [*_REAL, "teacher.soft_labels=4"]
# Initial rates that real data learns, and three times their meta-learning rate.
_RATES = [
    "inner_optimizer.learning_rate=0.15",
    "inner_optimizer.momentum=0.6",
    "rate_factors.inner_optimizer=3",
]
_BOTH = [*_RATES, "teacher.source=generator_and_pixels", "teacher.init=real"]
_BEST = "real pixels, rates, soft labels, meta-batch 512"
_ARMS = {
    "generator": [],
    "generator, rates": _RATES,
    "generator, rates, warm start": [
        *_RATES,
        "generator.warm_start=1000",
        "rate_factors.generator=0.1",
    ],
    "generator and real pixels, rates": [*_BOTH, "rate_factors.generator=0.05"],
    "pixels, rates": [*_PIXELS, *_RATES],
    "real pixels": _REAL,
    "real pixels, rates": [*_REAL, *_RATES],
    "real pixels, rates, soft labels": [*_SOFT, *_RATES],
    _BEST: [*_SOFT, *_RATES, "meta.batch_size=512"],
    "the same, last meta-loss alone": [
        *_SOFT,
        *_RATES,
        "meta.batch_size=512",
        "meta.intermediate_every=0",
    ],
    "real data, learned rates": ["teacher.source=real_data", *_RATES],
}


class _Scale(NamedTuple):
    base: Mapping[str, Sequence[str]]  # settings of all runs, for each data set
    arms: tuple[str, ...]
    seeds: int


_COMMON = [
    "generator.units=128",
    "learners.architectures=1",
    "learners.filters=[16,32]",
    "teacher.batch_size=32",
    "teacher.latent_size=32",
    "learners.units=[]",
    "meta.batch_size=128",
    "meta.gradient_clip=2",
    "meta.intermediate_every=8",
    "inner_optimizer.learning_rate=0.05",
    "evaluation.real_data_iterations=0",
    "evaluation.test_each_epoch=true",
]
_CIFAR10 = {"cifar10": [*_COMMON, "data.image_size=16", "meta.iterations=400"]}
_MNIST = {"mnist": [*_COMMON, "learners.filters=[8,16]", "meta.iterations=200"]}
_SMOKE = {
    "digits": [
        *_COMMON,
        "teacher.steps=2",
        "meta.intermediate_every=1",
        "meta.iterations=2",
        "meta.iterations_per_epoch=1",
    ]
}
_FIRST = (
    "generator",
    "pixels, rates",
    "real pixels",
    "real pixels, rates",
    "real pixels, rates, soft labels",
    _BEST,
    "real data, learned rates",
)
_SCALES = {
    "laptop": _Scale(_CIFAR10, _FIRST, 1),
    "all": _Scale(_CIFAR10, tuple(_ARMS), 1),
    "mnist": _Scale(_MNIST, tuple(_ARMS), 1),
    "seeds": _Scale({**_CIFAR10, **_MNIST}, ("generator", _BEST), 3),
    "smoke": _Scale(_SMOKE, ("real pixels, rates, soft labels",), 1),
}


def main() -> None:
    """Parses the command line; runs or resumes the experiment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_recipe_arguments(parser, _SCALES, "teachers_ablation")
    options = parser.parse_args()
    scale = _SCALES[options.scale]
    configs = {
        _name(data, arm, seed): _config(base, data, arm, seed)
        for data, base in scale.base.items()
        for arm in scale.arms
        for seed in range(scale.seeds)
    }
    folders = meta_train_all(configs, options)
    rows = [
        _row(data, arm, scale.seeds, folders)
        for data in scale.base
        for arm in scale.arms
    ]
    write_table(rows, options.out / "teachers.csv")
    for data in scale.base:
        write_table(_curves(scale, data, folders), options.out / f"{data}.csv")
    config = next(iter(configs.values()))
    facts = of_runs(_ARMS, folders)
    publish("teachers_ablation", options, scale, config, _figures(scale), **facts)


def _name(data: str, arm: str, seed: int) -> str:
    return f"{data}_{run_name(arm, seed)}"


def _config(base: Sequence[str], data: str, arm: str, seed: int) -> Config:
    settings = [f"data.name={data}", *base, *_ARMS[arm], f"seed={seed}"]
    return load_config("mnist_curriculum", settings)


def _row(
    data: str, arm: str, seeds: int, folders: Mapping[str, Path]
) -> dict[str, Any]:
    """One line of the table: mean and deviation over seeds, or over learners of one."""
    of_arm = [folders[_name(data, arm, seed)] for seed in range(seeds)]
    found = mean_and_std([summary(one)["test_accuracy_mean"] for one in of_arm])
    if seeds == 1:
        found["std"] = summary(of_arm[0])["test_accuracy_std"]
    about = {"data": data, "teacher": arm, "seeds": seeds}
    return {**about, **found, "cpu_seconds": _mean_cpu_seconds(of_arm)}


def _mean_cpu_seconds(folders: Sequence[Path]) -> float | None:
    """Of the runs that were not interrupted, if there are any."""
    known = [one for one in map(cpu_seconds, folders) if one]
    return sum(known) / len(known) if known else None


def _curves(
    scale: _Scale, data: str, folders: Mapping[str, Path]
) -> list[dict[str, Any]]:
    """Test accuracy after each epoch; its CPU seconds are its share of a mean run's."""
    curves = []
    for arm in scale.arms:
        of_arm = [folders[_name(data, arm, n)] for n in range(scale.seeds)]
        of_run = _mean_cpu_seconds(of_arm)
        if of_run is None:
            continue
        for seed, folder in enumerate(of_arm):
            rows = read_table(folder / "metrics.csv")
            last = rows[-1]["iteration"]
            curves += [
                {
                    "teacher": arm,
                    "seed": seed,
                    "cpu_seconds": row["iteration"] / last * of_run,
                    "test_accuracy": row["test_accuracy"],
                }
                for row in rows
            ]
    return curves


def _figures(scale: _Scale) -> list[reports.FigureSpec]:
    return [
        reports.FigureSpec(
            f"{data}.png",
            "curves",
            f"{data}.csv",
            by="teacher",
            x="cpu_seconds",
            y="test_accuracy",
            x_label="CPU seconds, tracing and tests included",
            y_label=f"test accuracy of fresh learners on {data} [%]",
            title=_title(scale.seeds),
            factor=100,
        )
        for data in scale.base
    ]


def _title(seeds: int) -> str:
    if seeds == 1:
        return "One seed"
    return f"Mean of {seeds} seeds, band: \u00b1 standard deviation"


if __name__ == "__main__":
    main()
