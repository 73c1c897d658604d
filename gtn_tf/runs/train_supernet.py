"""The training of shared weights, for the scorer `supernet`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.atomic_file import write
from gtn_tf.cells import Genotype201
from gtn_tf.config import GHNConfig, SupernetConfig
from gtn_tf.countdown import Countdown
from gtn_tf.data import Splits
from gtn_tf.ghn import GHNTraining
from gtn_tf.inner import graph_rewrites_off
from gtn_tf.non_finite import NonFiniteError
from gtn_tf.run_files import damaged, read_column
from gtn_tf.runs.checkpoints import Checkpoints
from gtn_tf.runs.directory import RunDirectory
from gtn_tf.runs.limits import expect_possible
from gtn_tf.runs.machine import machine
from gtn_tf.runs.records import Metrics, Scalars
from gtn_tf.runs.results import is_finished, report_results
from gtn_tf.runs.search import make_space
from gtn_tf.runs.splits import load_training_splits
from gtn_tf.search import CellSpace
from gtn_tf.supernet import SGD, SharedFile, SharedScores, SharedWeights, SinglePath
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
    training = SinglePath(shared, _sgd(config), config.seed)
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


def _sgd(config: SupernetConfig) -> SGD:
    chosen = config.training
    return SGD(
        chosen.steps,
        chosen.learning_rate,
        chosen.final_learning_rate,
        chosen.momentum,
        chosen.weight_decay,
        chosen.gradient_clip,
    )


def fit(
    training: SinglePath | GHNTraining,
    space: CellSpace[Any],
    shared: WeightsOfAll,
    run: RunDirectory,
    config: SupernetConfig | GHNConfig,
    splits: Splits,
    report: Report,
    save: Callable[[], None] = lambda: None,
) -> None:
    """Trains to the end, on a random architecture in each step.

    `metrics.csv` has a line for each epoch.

    Args:
        training: Takes the steps.
        space: Of the architectures.
        shared: Gives each architecture its weights, for the tests.
        run: The run directory.
        config: The configuration.
        splits: The real data.
        report: Called with each line of progress.
        save: Called after each epoch, before its checkpoint.

    Raises:
        NonFiniteError: If the training diverges.
    """
    every = config.training.steps_per_epoch
    epochs = config.training.steps // every
    checkpoints = Checkpoints(training, run.checkpoints, report, run.run_id, "training")
    done = checkpoints.restore()
    if done:
        report(f"resuming after step {done * every} of {config.training.steps}")
    callbacks = tf.keras.callbacks.CallbackList(
        # The last of them last: an epoch counts once all else is recorded.
        [Metrics(run.metrics, done), Scalars(run.tensorboard, every), checkpoints],
        model=training,
    )
    examples = zip(
        drawn(space, config.seed, done * every), splits.train_batches(done * every)
    )
    test, countdown = _Test(space, shared, config, splits), Countdown(epochs, done)
    callbacks.on_train_begin()
    if done < epochs:
        report("tracing the super-network: the first epoch takes longer ...")
    for epoch in range(done, epochs):
        began = time.monotonic()
        losses = []
        for _ in range(every):
            code, (images, labels) = next(examples)
            losses.append(training.train(code, images, labels))
        loss = float(tf.reduce_mean(losses))
        if not np.isfinite(loss):
            raise NonFiniteError(
                f"training.learning_rate: the loss became {loss} before step "
                f"{(epoch + 1) * every}; choose a lower one. The last good checkpoint "
                f"is {checkpoints.last()}"
            )
        logs = {"step": (epoch + 1) * every, "loss": loss, **test(training.weights)}
        logs["seconds"] = time.monotonic() - began
        save()
        callbacks.on_epoch_end(epoch, logs)
        pace = countdown.next()
        report(
            f"epoch {pace.position}  loss {loss:.3f}  mean validation accuracy "
            f"{logs['val_accuracy']:.2%}  {pace.left}"
        )
    callbacks.on_train_end()


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
