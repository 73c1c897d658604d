"""A training on a random architecture in each step, tested on others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.config import GHNConfig, SupernetConfig
from gtn_tf.data import Splits
from gtn_tf.ghn import GHNTraining
from gtn_tf.run_files import damaged, read_column
from gtn_tf.runs.directory import RunDirectory
from gtn_tf.runs.epochs import train_in_epochs
from gtn_tf.runs.job import Report
from gtn_tf.runs.machine import machine
from gtn_tf.search import CellSpace
from gtn_tf.search.pool import sample_connected
from gtn_tf.supernet import SharedScore, SharedScores, SinglePath
from gtn_tf.supernet.shared_scores import WeightsOfAll, equal_batches

# For each step an architecture, and images with their labels.
Examples = Iterable[tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]]


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
    scores: ValidationScores,
    examples: Callable[[int], Examples],
    run: RunDirectory,
    config: SupernetConfig | GHNConfig,
    report: Report,
    callbacks: Sequence[tf.keras.callbacks.Callback] = (),
) -> None:
    """Trains to the end, on one architecture in each step.

    Args:
        training: Takes the steps.
        space: Of the architectures.
        scores: Scores random ones after each epoch.
        examples: Given the steps that are done, returns those of the next steps.
        run: The run directory.
        config: The configuration.
        report: Called with each line of progress.
        callbacks: Make further records of each epoch.

    Raises:
        NonFiniteError: If the training diverges.
        RunError: If the run's files cannot be used.
    """
    test = _Test(space, scores, config)

    def begin(done: int) -> Callable[[], dict[str, float]]:
        following = iter(examples(done))

        def train_epoch() -> dict[str, float]:
            losses = []
            for _ in range(config.training.steps_per_epoch):
                code, (images, labels) = next(following)
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
        yield network.encode(sample_connected(space, rng))
        step += 1


class ValidationScores:
    """Scores architectures on the first validation images, traced once for all.

    Args:
        shared: Gives each architecture its weights.
        config: The configuration.
        splits: The real data.
    """

    def __init__(
        self,
        shared: WeightsOfAll,
        config: SupernetConfig | GHNConfig,
        splits: Splits,
    ) -> None:
        count = config.training.tested_images
        self._batches = equal_batches(
            tf.constant(splits.validation_images[:count]),
            tf.constant(splits.validation_labels[:count]),
        )
        self._scores = SharedScores(shared)

    def __call__(self, weights: tf.Variable, code: tf.Tensor) -> SharedScore:
        """Scores an architecture.

        Args:
            weights: Of all architectures.
            code: The architecture, as `SuperNetwork.encode` gives it.
        """
        return self._scores(weights.read_value(), code, self._batches)


class _Test:
    """The mean scores of some random architectures, the same at each call."""

    def __init__(
        self,
        space: CellSpace[Any],
        scores: ValidationScores,
        config: SupernetConfig | GHNConfig,
    ) -> None:
        chosen = config.training
        others = drawn(space, config.seed, chosen.steps)  # not those of the training
        self._codes = [next(others) for _ in range(chosen.tested)]
        self._scores = scores

    def __call__(self, weights: tf.Variable) -> dict[str, float]:
        found = [self._scores(weights, code) for code in self._codes]
        loss, accuracy = np.mean(found, axis=0).tolist()
        return {"val_loss": loss, "val_accuracy": accuracy}
