"""The job of a search by ENAS: a controller that draws the genotype."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.atomic_file import write
from gtn_tf.build import build_enas
from gtn_tf.config import ConfigError, EnasConfig
from gtn_tf.data import Splits
from gtn_tf.enas import Best, Enas
from gtn_tf.run_files import damaged, read_column
from gtn_tf.runs.directory import RunDirectory
from gtn_tf.runs.epochs import train_in_epochs
from gtn_tf.runs.job import GENOTYPE, Report, run_job
from gtn_tf.runs.machine import machine
from gtn_tf.runs.operation_history import OperationHistory, Probabilities
from gtn_tf.runs.skip_warning import SkipWarning
from gtn_tf.runs.space import make_space
from gtn_tf.runs.validation_batches import validation_batches
from gtn_tf.search import CellSpace
from gtn_tf.supernet.shared_scores import equal_batches

_CARD = """\
# A genotype of {space} found by ENAS on {dataset}

    {genotype}

with {skips} skip connections on its {edges} edges, the best of {drawn} that the
controller drew in the end ({different} different ones), after {steps} steps of shared
weights (N = {cells}, F = {filters}) and {updates} updates of the controller, by gtn_tf.

| with shared weights, on {drawn_images} validation images | accuracy | loss |
|---|---|---|
| this genotype | {validation_accuracy:.2%} | {validation_loss:.3f} |
| mean of those drawn | {drawn_accuracy:.2%} | {drawn_loss:.3f} |

These are no accuracies of trained networks, and the best of many is too good.

- `genotype.txt` has the genotype, `operations.csv` how probable each choice was after
  each epoch, drawn in `operations.png`. A number of skip connections that keeps growing
  is ENAS' collapse.
- {seconds:.0f} s; seed {seed}; TensorFlow {tensorflow}, Python {python};
  {cores} x {processor}; {date}.
- The whole configuration is in `config.yaml`;
  `python -m gtn_tf.cli search-enas --config config.yaml` runs it again.

```sh
python -m gtn_tf.cli train-final --genotype THIS_FOLDER/genotype.txt
```
"""


def search_enas(
    config: EnasConfig,
    run_dir: Path,
    resume: bool = False,
    data_dir: Path | None = None,
    report: Report = print,
) -> dict[str, Any]:
    """Searches a cell space by ENAS.

    In each epoch, shared weights learn on training images, then the controller on
    validation images. Killed at any moment and started again, it resumes after the last
    complete epoch and ends with the same controller on the same processor, if an
    operation has as many threads.

    Args:
        config: The configuration.
        run_dir: Holds config.yaml, metrics.csv, operations.csv, operations.png,
            checkpoints/, tensorboard/, genotype.txt, summary.json and README.md.
        resume: Whether an existing search goes on.
        data_dir: Folder with the data files.
        report: Called with each line of progress.

    Returns:
        The content of `summary.json`.

    Raises:
        RunError: If the directory cannot be used.
        NonFiniteError: If the training diverges.
    """
    given = config, run_dir, resume, data_dir, report
    check = functools.partial(_expect_enough_images, config)
    return run_job(*given, GENOTYPE, _finish, _outcome, check)


def _outcome(summary: dict[str, Any], run: RunDirectory) -> str:
    return (
        f"found {summary['genotype']}, {summary['skips']} skip connections, accuracy "
        f"{summary['validation_accuracy']:.2%} with shared weights, "
        f"{summary['seconds']:.0f} s. Everything is in {run.path}"
    )


def _finish(
    run: RunDirectory, config: EnasConfig, splits: Splits, report: Report
) -> None:
    """Does what is left of a search; the summary comes last."""
    space = make_space(config.space, splits)
    search = build_enas(config, space)
    _fit(search, space, run, config, splits, report)
    seconds = read_column(run.metrics, "seconds")
    if not seconds:
        raise damaged(run.metrics, "no line of any epoch")
    report(f"scoring {config.search.drawn} draws of the controller ...")
    chosen = slice(config.search.drawn_images)
    batches = equal_batches(
        tf.constant(splits.validation_images[chosen]),
        tf.constant(splits.validation_labels[chosen]),
    )
    best = search.best(config.search.drawn, batches)
    summary = {
        **_found(best, space, config),
        "drawn_images": sum(len(labels) for _, labels in batches),
        "entropy": search.entropy,
        "dataset": splits.title,
        "seconds": sum(seconds),
        **machine(),
    }
    write(run.path / GENOTYPE, f"enas_{config.seed} = {summary['genotype']}\n")
    write(run.model_card, _CARD.format(**summary))
    write(run.summary, json.dumps(summary, indent=2) + "\n")


def _expect_enough_images(config: EnasConfig, splits: Splits) -> None:
    count, received = len(splits.validation_labels), config.search.reward_images
    if received > count:
        raise ConfigError(
            f"search.reward_images: expected at most {count}, the number of validation "
            f"images of {splits.name}, received {received}",
            "search.reward_images",
        )


def _found(best: Best, space: CellSpace[Any], config: EnasConfig) -> dict[str, Any]:
    training, chosen = config.training, config.search
    epochs = training.steps // training.steps_per_epoch
    return {
        "space": config.space.name,
        "genotype": space.text(best.genotype),
        "skips": best.genotype.skips,
        "edges": len(best.genotype.ops),
        "validation_accuracy": best.score.accuracy,
        "validation_loss": best.score.loss,
        "drawn": chosen.drawn,
        "different": best.different,
        "drawn_accuracy": best.mean.accuracy,
        "drawn_loss": best.mean.loss,
        "cells": config.space.cells,
        "filters": config.space.filters,
        "steps": training.steps,
        "updates": (epochs - chosen.warm_up) * chosen.updates,
        "seed": config.seed,
    }


def _fit(
    search: Enas,
    space: CellSpace[Any],
    run: RunDirectory,
    config: EnasConfig,
    splits: Splits,
    report: Report,
) -> None:
    """Searches to the end."""
    every, edges = config.training.steps_per_epoch, len(search.genotype.ops)
    alone = config.search.warm_up * every  # steps in which the controller rests

    def begin(done: int) -> Callable[[], dict[str, float]]:
        training = iter(splits.train_batches(done))

        def search_epoch() -> dict[str, float]:
            epoch = int(search.step.numpy()) // every
            loss = search.train_weights(training, every)
            of_validation, reward = _train_controller(search, epoch, config, splits)
            numbers = {"loss": loss, "val_loss": of_validation, "reward": reward}
            skips, entropy = search.genotype.skips, search.entropy
            return {**numbers, "skips": skips, "entropy": entropy}

        return search_epoch

    def describe(logs: dict[str, float]) -> str:
        of_both = f"loss {logs['loss']:.3f}, mean reward {logs['reward']:.2%}"
        if logs["step"] <= alone:
            return f"{of_both}  (weights alone)"
        now = space.text(search.genotype)
        return f"{of_both}  {now}  skips {logs['skips']} of {edges}"

    title = f"enas on {splits.title}, seed {config.seed}"

    def probabilities() -> Probabilities:
        return search.probabilities

    def records(done: int) -> list[tf.keras.callbacks.Callback]:
        return [
            OperationHistory(probabilities, run, "operations", every, done, title),
            SkipWarning(run.metrics, edges, report, alone),
        ]

    train_in_epochs(search, run, config.training, begin, describe, report, records)


def _train_controller(
    search: Enas, epoch: int, config: EnasConfig, splits: Splits
) -> list[float]:
    """The controller's part of an epoch: the mean loss and accuracy of what it drew."""
    chosen = config.search
    # Each epoch has its own part of the stream, however much of it others took.
    first = epoch * chosen.updates * chosen.architectures
    batches = validation_batches(splits, chosen.reward_images, first)
    learns = epoch >= chosen.warm_up
    scores = [
        search.train_controller(batches, chosen.architectures, update, learns)
        for update in range(chosen.updates if learns else 1)
    ]
    means: list[float] = np.mean(scores, axis=0).tolist()
    return means
