"""The training of a graph hypernetwork, for the scorer `ghn`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tensorflow as tf

from gtn_tf.atomic_file import write
from gtn_tf.config import GHNConfig
from gtn_tf.data import Splits
from gtn_tf.ghn import GHN, GHNAdam, GHNFile, GHNTraining
from gtn_tf.ghn.file import NAME
from gtn_tf.runs.directory import RunDirectory
from gtn_tf.runs.job import Report, run_job
from gtn_tf.runs.random_architectures import (
    Examples,
    ValidationScores,
    drawn,
    fit,
    summary_of,
)
from gtn_tf.runs.space import make_space

_CARD = """\
# Graph hypernetwork of {space} for {dataset}

{weights} weights, which predict those of any architecture of {space} (N = {cells}, F =
{filters}), trained with gtn_tf: in each of {steps} steps for one random architecture
(Zhang et al. 2019). Batch norms took the statistics of the batch, and have to when
predicted weights score.

| | mean of {tested} random architectures, on validation images |
|---|---|
| accuracy | {validation_accuracy:.2%} |
| loss | {validation_loss:.3f} |

- {seconds:.0f} s of training; seed {seed}; TensorFlow {tensorflow}, Python {python};
  {cores} x {processor}; {date}.
- The whole configuration is in `config.yaml`;
  `python -m gtn_tf.cli train-ghn --config config.yaml` runs it again.

```python
import gtn_tf

scorer = gtn_tf.search.GHNScorer("this folder")
```

or `python -m gtn_tf.cli rank --scorer ghn --ghn THIS_FOLDER ...`.
"""


def train_ghn(
    config: GHNConfig,
    run_dir: Path,
    resume: bool = False,
    data_dir: Path | None = None,
    report: Report = print,
) -> dict[str, Any]:
    """Trains a graph hypernetwork: in each step for one random architecture.

    Killed at any moment and started again, it resumes after the last complete epoch and
    ends with the same weights on the same processor. `ghn.npz` is that of the last
    epoch at any time, and can score architectures while the training goes on.

    Args:
        config: The configuration.
        run_dir: Holds config.yaml, metrics.csv, checkpoints/, tensorboard/, ghn.npz,
            summary.json and README.md.
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
        f"{summary['tested']} random architectures with predicted weights, "
        f"{summary['seconds']:.0f} s. Everything is in {run.path}"
    )


def _finish(
    run: RunDirectory, config: GHNConfig, splits: Splits, report: Report
) -> None:
    """Does what is left of a training; the summary comes last."""
    space, chosen = make_space(config.space, splits), config.training
    network = space.supernetwork
    assert network is not None
    ghn = GHN(network, config.ghn.state, config.ghn.hidden, config.ghn.passes)
    adam = GHNAdam(
        chosen.steps, chosen.learning_rate, chosen.weight_decay, chosen.gradient_clip
    )
    training = GHNTraining(ghn, adam, config.seed)

    def save(*of_epoch: Any) -> None:
        weights = training.weights.numpy()
        file = GHNFile(weights, network.settings, ghn.settings, splits.title)
        file.save(run.path / NAME)

    each = tf.keras.callbacks.LambdaCallback(on_epoch_end=save)
    scores = ValidationScores(ghn, config, splits)

    def examples(done: int) -> Examples:
        return zip(drawn(space, config.seed, done), splits.train_batches(done))

    fit(training, space, scores, examples, run, config, report, [each])
    save()  # it may have been lost since
    summary = summary_of(run, config, splits, ghn.size)
    write(run.model_card, _CARD.format(**summary))
    write(run.summary, json.dumps(summary, indent=2) + "\n")
