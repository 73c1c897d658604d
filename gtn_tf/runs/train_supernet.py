"""The training of shared weights, for the scorer `supernet`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.atomic_file import write
from gtn_tf.build import build_sgd
from gtn_tf.cells import Genotype201
from gtn_tf.config import GHNConfig, SupernetConfig
from gtn_tf.data import Splits
from gtn_tf.ghn import GHNTraining
from gtn_tf.inner import graph_rewrites_off
from gtn_tf.run_files import damaged, read_column
from gtn_tf.runs.directory import RunDirectory
from gtn_tf.runs.epochs import train_in_epochs
from gtn_tf.runs.limits import expect_possible
from gtn_tf.runs.machine import machine
from gtn_tf.runs.results import is_finished, report_results
from gtn_tf.runs.search import make_space
from gtn_tf.runs.splits import load_training_splits
from gtn_tf.search import CellSpace
from gtn_tf.supernet import SharedFile, SharedScores, SharedWeights, SinglePath
from gtn_tf.supernet.shared_file import NAME
from gtn_tf.supernet.shared_scores import WeightsOfAll, equal_batches

Report = Callable[[str], None]

_CARD = """\
# Shared weights of {space} for {dataset}

{weights} weights for all architectures of {space} (N = {cells}, F = {filters}),
trained with gtn_tf: in each of {steps} steps those of one random architecture (RSPS, Li
& Talwalkar 2019). Batch norms took the statistics of the batch, and have to when these
weights score.

| | mean of {tested} random architectures, on validation images |
|---|---|
| accuracy | {validation_accuracy:.2%} |
| loss | {validation_loss:.3f} |

- {seconds:.0f} s of training; seed {seed}; TensorFlow {tensorflow}, Python {python};
  {cores} x {processor}; {date}.
- The whole configuration is in `config.yaml`;
  `python -m gtn_tf.cli train-supernet --config config.yaml` runs it again.

```python
import gtn_tf

scorer = gtn_tf.search.SupernetScorer("this folder")
```

or `python -m gtn_tf.cli rank --scorer supernet --supernet THIS_FOLDER ...`.
"""


def train_supernet(
    config: SupernetConfig,
    run_dir: Path,
    resume: bool = False,
    data_dir: Path | None = None,
    report: Report = print,
) -> dict[str, Any]:
    """Trains shared weights: in each step those of one random architecture.

    Killed at any moment and started again, it resumes after the last complete epoch and
    ends with the same weights on the same processor.

    Args:
        config: The configuration.
        run_dir: Holds config.yaml, metrics.csv, checkpoints/, tensorboard/,
            shared_weights.npz, summary.json and README.md.
        resume: Whether an existing training goes on.
        data_dir: Folder with the data files.
        report: Called with each line of progress.

    Returns:
        The content of `summary.json`.

    Raises:
        RunError: If the directory cannot be used.
        NonFiniteError: If the training diverges.
    """
    splits = load_training_splits(config, data_dir)
    expect_possible(config, splits)
    run = RunDirectory(run_dir)
    with run.open(config, resume):
        if not is_finished(run, False, report) or not (run.path / NAME).exists():
            with graph_rewrites_off():
                _finish(run, config, splits, report)
        return report_results(run, _outcome, report)


def _outcome(summary: dict[str, Any], run: RunDirectory) -> str:
    return (
        f"mean validation accuracy {summary['validation_accuracy']:.2%} of "
        f"{summary['tested']} random architectures, {summary['seconds']:.0f} s. "
        f"Everything is in {run.path}"
    )


def _finish(
    run: RunDirectory, config: SupernetConfig, splits: Splits, report: Report
) -> None:
    """Does what is left of a training; the summary comes last."""
    space = make_space(config.space, splits)
    assert space.supernetwork is not None
    shared = SharedWeights(space.supernetwork)
    training = SinglePath(shared, build_sgd(config.training), config.seed)
    fit(training, space, shared, run, config, splits, report)
    network = shared.network.settings
    SharedFile(training.weights.numpy(), network, splits.title).save(run.path / NAME)
    summary = summary_of(run, config, splits, shared.size - 1)
    write(run.model_card, _CARD.format(**summary))
    write(run.summary, json.dumps(summary, indent=2) + "\n")


def summary_of(
    run: RunDirectory,
    config: SupernetConfig | GHNConfig,
    splits: Splits,
    weights: int,
) -> dict[str, Any]:
    """What there is to say of a training when it is finished.

    Args:
        run: The run directory, with its metrics.
        config: The configuration.
        splits: The real data.
        weights: How many are trained.

    Raises:
        RunError: If the metrics are damaged.
    """
    accuracies, losses, seconds = (
        read_column(run.metrics, name)
        for name in ("val_accuracy", "val_loss", "seconds")
    )
    if not seconds:
        raise damaged(run.metrics, "no line of any epoch")
    chosen = config.training
    return {
        "space": config.space.name,
        "cells": config.space.cells,
        "filters": config.space.filters,
        "dataset": splits.title,
        "weights": weights,
        "steps": chosen.steps,
        "tested": chosen.tested,
        "validation_accuracy": accuracies[-1],
        "validation_loss": losses[-1],
        "seconds": sum(seconds),
        "seed": config.seed,
        **machine(),
    }


def fit(
    training: SinglePath | GHNTraining,
    space: CellSpace[Any],
    shared: WeightsOfAll,
    run: RunDirectory,
    config: SupernetConfig | GHNConfig,
    splits: Splits,
    report: Report,
    callbacks: Sequence[tf.keras.callbacks.Callback] = (),
) -> None:
    """Trains to the end, on a random architecture in each step.

    Args:
        training: Takes the steps.
        space: Of the architectures.
        shared: Gives each architecture its weights, for the tests.
        run: The run directory.
        config: The configuration.
        splits: The real data.
        report: Called with each line of progress.
        callbacks: Make further records of each epoch.

    Raises:
        NonFiniteError: If the training diverges.
        RunError: If the run's files cannot be used.
    """
    test = _Test(space, shared, config, splits)

    def begin(done: int) -> Callable[[], dict[str, float]]:
        codes = drawn(space, config.seed, done)
        examples = zip(codes, splits.train_batches(done))

        def train_epoch() -> dict[str, float]:
            losses = []
            for _ in range(config.training.steps_per_epoch):
                code, (images, labels) = next(examples)
                losses.append(training.train(code, images, labels))
            return {"loss": float(tf.reduce_mean(losses)), **test(training.weights)}

        return train_epoch

    def describe(logs: dict[str, float]) -> str:
        of_tested = f"mean validation accuracy {logs['val_accuracy']:.2%}"
        return f"loss {logs['loss']:.3f}  {of_tested}"

    train_in_epochs(
        training,
        run,
        config.training,
        begin,
        describe,
        report,
        lambda done: callbacks,
    )


def drawn(space: CellSpace[Any], seed: int, start: int = 0) -> Iterator[tf.Tensor]:
    """Draws an architecture for each step, uniformly.

    Cells of NAS-Bench-201 whose output does not depend on the image are drawn again.

    Args:
        space: The space.
        seed: Of all draws.
        start: Steps to skip.

    Yields:
        Genotypes as `SuperNetwork.encode` gives them.
    """
    network = space.supernetwork
    assert network is not None
    step = start
    while True:
        rng = np.random.default_rng([seed, step])
        genotype = space.sample(rng)
        while isinstance(genotype, Genotype201) and not genotype.is_connected:
            genotype = space.sample(rng)
        yield network.encode(genotype)
        step += 1


class _Test:
    """The mean scores of some random architectures, the same at each call."""

    def __init__(
        self,
        space: CellSpace[Any],
        shared: WeightsOfAll,
        config: SupernetConfig | GHNConfig,
        splits: Splits,
    ) -> None:
        chosen = config.training
        others = drawn(space, config.seed, chosen.steps)  # not those of the training
        self._codes = [next(others) for _ in range(chosen.tested)]
        self._batches = equal_batches(
            tf.constant(splits.validation_images[: chosen.tested_images]),
            tf.constant(splits.validation_labels[: chosen.tested_images]),
        )
        self._scores = SharedScores(shared)

    def __call__(self, weights: tf.Variable) -> dict[str, float]:
        now = weights.read_value()
        found = [self._scores(now, code, self._batches) for code in self._codes]
        loss, accuracy = np.mean(found, axis=0).tolist()
        return {"val_loss": loss, "val_accuracy": accuracy}
