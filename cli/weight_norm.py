"""Does weight normalization make meta-training stable? (paper, figure 1b)

    python cli/weight_norm.py [--scale smoke|laptop|paper] [--data-dir D]

KerasTuner's RandomSearch draws hyperparameters: the inner and the meta learning rate,
the momentum and the widths of learner and generator. Each draw is meta-trained on MNIST
twice, with weight normalization in both networks and with none. Interrupted, the same
command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import keras_tuner
import numpy as np
import scipy.stats
import tensorflow as tf

from common import (
    add_recipe_arguments,
    part_that_begins,
    publish,
    run_name,
    say,
    write_table,
)
from gtn_tf import reports
from gtn_tf.build import build_gtn
from gtn_tf.config import Config
from gtn_tf.countdown import Countdown
from gtn_tf.data import Splits
from gtn_tf.evaluation import split_for_learners
from gtn_tf.gtn import GTN
from gtn_tf.non_finite import NonFiniteError
from gtn_tf.runs.splits import load_splits
from mnist import mnist_config

_ARMS = {"with weight norm": True, "without": False}
_GUESSING = math.log(10)  # meta-loss of guessing among ten classes
_CAP = 1e6  # replaces an infinite meta-loss, so that it can be ranked
_SEED = 7323  # of the draws; KerasTuner treats 0 as none, and draws anew each time


class _Scale(NamedTuple):
    draws: int
    iterations: int  # meta-iterations of each
    judges: int  # fresh learners whose mean is the final meta-loss


_SCALES = {
    "paper": _Scale(20, 2000, 10),
    "laptop": _Scale(20, 300, 10),
    "smoke": _Scale(2, 2, 2),
}


class MetaTraining(keras_tuner.HyperModel):
    """Meta-training as KerasTuner sees it: a draw of hyperparameters, and a meta-loss.

    Args:
        scale: Name of the scale.
        weight_norm: Whether both networks have it.
        splits: The real data.
        countdown: Counts the draws.
    """

    def __init__(
        self, scale: str, weight_norm: bool, splits: Splits, countdown: Countdown
    ) -> None:
        super().__init__()
        self._name = scale
        self._scale = _SCALES[scale]
        self._weight_norm = weight_norm
        self._splits = splits
        self._countdown = countdown

    def build(self, hp: keras_tuner.HyperParameters) -> GTN:
        """Makes the GTN of a draw.

        Args:
            hp: The draw.
        """
        return build_gtn(self._config(hp), self._splits)

    def fit(self, hp: keras_tuner.HyperParameters, model: GTN, **kwargs: Any) -> float:
        """Meta-trains it.

        Args:
            hp: The draw.
            model: The GTN.
            **kwargs: KerasTuner's, unused.

        Returns:
            The mean meta-loss of fresh learners on validation images, infinite if
            meta-training was stopped or its result is not finite.
        """
        del hp, kwargs
        say(f"meta-training {part_that_begins(self._countdown)}")
        try:
            model.fit(
                self._splits.train, steps_per_epoch=self._scale.iterations, verbose=0
            )
        except NonFiniteError:
            loss = math.inf
        else:
            loss = self._meta_loss(model)
        self._countdown.next()
        say(f"meta-loss {loss:.3f}")
        tf.keras.backend.clear_session()
        return loss

    def _meta_loss(self, gtn: GTN) -> float:
        images, labels = self._splits.validation_images, self._splits.validation_labels
        shares = split_for_learners(images, labels, self._scale.judges)
        loss = gtn.evaluate(shares, verbose=0, return_dict=True)["meta_loss"]
        return loss if math.isfinite(loss) else math.inf

    def _config(self, hp: keras_tuner.HyperParameters) -> Config:
        filters = hp.Int("filters", 4, 16)
        drawn = {
            "inner_optimizer.learning_rate": hp.Float(
                "inner_learning_rate", 0.01, 3.0, sampling="log"
            ),
            "inner_optimizer.momentum": hp.Float("momentum", 0.1, 0.95),
            "meta.learning_rate": hp.Float(
                "meta_learning_rate", 0.001, 0.1, sampling="log"
            ),
            "generator.units": hp.Int("generator_units", 32, 256, sampling="log"),
            "learners.units": [hp.Int("units", 16, 128, sampling="log")],
        }
        changes = [
            *(f"{key}={value}" for key, value in drawn.items()),
            *(
                f"learners.filters=[{filters},{2 * filters}]",
                "learners.architectures=1",
            ),
            f"generator.weight_norm={str(self._weight_norm).lower()}",
            f"learners.weight_norm={str(self._weight_norm).lower()}",
            f"meta.iterations={self._scale.iterations}",
            f"meta.iterations_per_epoch={self._scale.iterations}",
        ]
        return mnist_config(self._name, *changes)


def main() -> None:
    """Parses the command line; runs or resumes the experiment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_recipe_arguments(parser, _SCALES, "weight_norm")
    options = parser.parse_args()
    scale = _SCALES[options.scale]
    config = mnist_config(options.scale)
    splits = load_splits(
        config.data, options.data_dir, batch_size=config.meta.batch_size
    )
    countdown = Countdown(len(_ARMS) * scale.draws - _finished(options))
    rows = []
    for arm, weight_norm in _ARMS.items():
        print(f"{scale.draws} draws {arm}", flush=True)
        model = MetaTraining(options.scale, weight_norm, splits, countdown)
        rows += [{"weight_norm": arm, **row} for row in _search(model, arm, options)]
    write_table(rows, options.out / "draws.csv")
    facts = {"seed": _SEED, "comparison": _comparison(rows)}
    publish("weight_norm", options, scale, config, [_figure(scale)], **facts)


def _search(
    model: MetaTraining, arm: str, options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Draws and trains what is missing; returns a row for each draw, in order."""
    folder = _folder(options, arm)
    tuner = keras_tuner.RandomSearch(
        model,
        max_trials=_SCALES[options.scale].draws,
        seed=_SEED,  # the same draws for both
        directory=folder.parent,
        project_name=folder.name,
    )
    tuner.save()  # so that an interrupted first draw is resumed
    tuner.search(verbose=0)
    trials = sorted(tuner.oracle.trials.values(), key=lambda trial: trial.trial_id)
    return [
        {"draw": n, **trial.hyperparameters.values, "meta_loss": trial.score}
        for n, trial in enumerate(trials)
    ]


def _folder(options: argparse.Namespace, arm: str) -> Path:
    return options.run_dir / options.scale / run_name(f"draws {arm}", _SEED)


def _finished(options: argparse.Namespace) -> int:
    """The draws of earlier calls, from KerasTuner's files."""
    files = [
        f for arm in _ARMS for f in _folder(options, arm).glob("trial_*/trial.json")
    ]
    trials = [json.loads(file.read_text(encoding="utf-8-sig")) for file in files]
    return sum(trial["status"] == "COMPLETED" for trial in trials)


def _comparison(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Quartiles, how many are lost, and a paired test of the draws."""
    losses = {
        arm: np.array([row["meta_loss"] for row in rows if row["weight_norm"] == arm])
        for arm in _ARMS
    }
    capped = {arm: np.minimum(values, _CAP) for arm, values in losses.items()}
    found: dict[str, Any] = {}
    for arm, values in losses.items():
        quartiles = np.quantile(capped[arm], [0.25, 0.5, 0.75])
        highest = np.max(values, initial=0.0, where=np.isfinite(values))
        found[arm] = {
            "quartiles": [float(q) if q <= highest else None for q in quartiles],
            "not_finite": float(np.mean(~np.isfinite(values))),
            "no_better_than_guessing": float(np.mean(values >= _GUESSING)),
            "above_95_percent_of_guessing": float(np.mean(values >= 0.95 * _GUESSING)),
        }
        say(f"{arm}: {found[arm]}")
    with_norm, without = capped.values()
    found["draws_better_with_weight_norm"] = int(np.sum(with_norm < without))
    found["wilcoxon_p"] = float(scipy.stats.wilcoxon(with_norm, without).pvalue)
    return found


def _figure(scale: _Scale) -> reports.FigureSpec:
    return reports.FigureSpec(
        "meta_loss.png",
        "boxes",
        "draws.csv",
        by="weight_norm",
        y="meta_loss",
        y_label=f"meta-loss after {scale.iterations} meta-iterations",
        title=f"{scale.draws} draws of hyperparameters",
        log=True,
    )


if __name__ == "__main__":
    main()
