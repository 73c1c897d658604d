"""The training of shared weights, for the scorer `supernet`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gtn_tf.atomic_file import write
from gtn_tf.build import build_sgd
from gtn_tf.config import SupernetConfig
from gtn_tf.data import Splits
from gtn_tf.runs.directory import RunDirectory
from gtn_tf.runs.job import Report, run_job
from gtn_tf.runs.random_architectures import fit, summary_of
from gtn_tf.runs.search import make_space
from gtn_tf.supernet import SharedFile, SharedWeights, SinglePath
from gtn_tf.supernet.shared_file import NAME

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
    given = config, run_dir, resume, data_dir, report
    return run_job(*given, NAME, _finish, _outcome)


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
