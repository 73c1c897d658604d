"""The job of a differentiable search: alphas that become a genotype."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Union

import tensorflow as tf

from gtn_tf.atomic_file import write
from gtn_tf.build import build_differentiable
from gtn_tf.config import DartsConfig
from gtn_tf.data import Splits
from gtn_tf.differentiable import Darts, Gdas
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
from gtn_tf.supernet import SharedWeights

Search = Union[Darts, Gdas]

_CARD = """\
# A genotype of {space} found by {name} on {dataset}

    {genotype}

with {skips} skip connections on its {edges} edges, after {steps} steps of alphas and of
weights (N = {cells}, F = {filters}), by gtn_tf.

| | mean of the last {last} steps |
|---|---|
| training loss | {loss:.3f} |
| validation loss | {validation_loss:.3f} |

The losses are of the network that is searched, with {network}, not of
what was found.

- `genotype.txt` has the genotype, `alphas.csv` the probabilities after each epoch,
  drawn in `alphas.png`. A number of skip connections that keeps growing is DARTS'
  collapse.
- {seconds:.0f} s; seed {seed}; TensorFlow {tensorflow}, Python {python};
  {cores} x {processor}; {date}.
- The whole configuration is in `config.yaml`;
  `python -m gtn_tf.cli search-darts --config config.yaml` runs it again.

```sh
python -m gtn_tf.cli train-final --genotype THIS_FOLDER/genotype.txt
```
"""
_NETWORKS = {
    "darts": "all that may be chosen",
    "gdas": "another architecture drawn in each step",
}


def search_darts(
    config: DartsConfig,
    run_dir: Path,
    resume: bool = False,
    data_dir: Path | None = None,
    report: Report = print,
) -> dict[str, Any]:
    """Searches a cell space by DARTS or GDAS.

    Weights learn on training images, alphas on validation images. Killed at any moment
    and started again, it resumes after the last complete epoch and ends with the same
    alphas on the same processor.

    Args:
        config: The configuration.
        run_dir: Holds config.yaml, metrics.csv, alphas.csv, alphas.png, checkpoints/,
            tensorboard/, genotype.txt, summary.json and README.md.
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
    return run_job(*given, GENOTYPE, _finish, _outcome)


def _outcome(summary: dict[str, Any], run: RunDirectory) -> str:
    return (
        f"found {summary['genotype']}, {summary['skips']} skip connections on "
        f"{summary['edges']} edges, {summary['seconds']:.0f} s. Everything is in "
        f"{run.path}"
    )


def _finish(
    run: RunDirectory, config: DartsConfig, splits: Splits, report: Report
) -> None:
    """Does what is left of a search; the summary comes last."""
    space = make_space(config.space, splits)
    assert space.supernetwork is not None
    search = build_differentiable(config, SharedWeights(space.supernetwork))
    _fit(search, space, run, config, splits, report)
    losses, of_validation, seconds = (
        read_column(run.metrics, name) for name in ("loss", "val_loss", "seconds")
    )
    if not seconds:
        raise damaged(run.metrics, "no line of any epoch")
    found = search.genotype
    summary = {
        "method": config.search.method,
        "space": config.space.name,
        "genotype": space.text(found),
        "skips": found.skips,
        "edges": len(found.ops),
        "entropy": search.alphas.entropy,
        "cells": config.space.cells,
        "filters": config.space.filters,
        "dataset": splits.title,
        "steps": config.training.steps,
        "loss": losses[-1],
        "validation_loss": of_validation[-1],
        "seconds": sum(seconds),
        "seed": config.seed,
        **machine(),
    }
    name = _name(config)
    written = {**summary, "name": name, "last": config.training.steps_per_epoch}
    write(run.path / GENOTYPE, f"{name}_{config.seed} = {summary['genotype']}\n")
    card = _CARD.format(**written, network=_NETWORKS[config.search.method])
    write(run.model_card, card)
    write(run.summary, json.dumps(summary, indent=2) + "\n")


def _name(config: DartsConfig) -> str:
    chosen = config.search
    return f"darts_{chosen.alpha_gradient}" if chosen.method == "darts" else "gdas"


def _fit(
    search: Search,
    space: CellSpace[Any],
    run: RunDirectory,
    config: DartsConfig,
    splits: Splits,
    report: Report,
) -> None:
    """Searches to the end."""
    every, size = config.training.steps_per_epoch, config.training.batch_size

    def begin(done: int) -> Callable[[], dict[str, float]]:
        of_both = splits.train_batches(done), validation_batches(splits, size, done)
        examples = zip(*of_both)

        def search_epoch() -> dict[str, float]:
            both = []
            for _ in range(every):
                both.append(search.train(*next(examples)))
            loss, of_validation = tf.reduce_mean(both, 0).numpy().tolist()
            skips, entropy = search.genotype.skips, search.alphas.entropy
            numbers = {"loss": loss, "val_loss": of_validation}
            return {**numbers, "skips": skips, "entropy": entropy}

        return search_epoch

    def describe(logs: dict[str, float]) -> str:
        of_both = f"loss {logs['loss']:.3f}, validation {logs['val_loss']:.3f}"
        found = search.genotype
        skips = f"skips {logs['skips']} of {len(found.ops)}"
        return f"{of_both}  {space.text(found)}  {skips}"

    title = f"{_name(config)} on {splits.title}, seed {config.seed}"
    choices = space.choices.space

    def probabilities() -> Probabilities:
        rows = zip(choices, search.alphas.mixture.numpy().tolist())
        return {one.name: dict(zip(one.values, row)) for one, row in rows}

    def records(done: int) -> list[tf.keras.callbacks.Callback]:
        edges = len(search.genotype.ops)
        return [
            OperationHistory(probabilities, run, "alphas", every, done, title),
            SkipWarning(run.metrics, edges, report),
        ]

    train_in_epochs(search, run, config.training, begin, describe, report, records)
