"""The epochs of a training that is counted in steps: records, checkpoints, progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.countdown import Countdown
from gtn_tf.non_finite import NonFiniteError
from gtn_tf.runs.checkpoints import Checkpoints
from gtn_tf.runs.directory import RunDirectory
from gtn_tf.runs.records import Metrics, Scalars

Logs = dict[str, Any]


def train_in_epochs(
    training: tf.Module,
    run: RunDirectory,
    chosen: Any,
    begin: Callable[[int], Callable[[], Logs]],
    describe: Callable[[Logs], str],
    report: Callable[[str], None],
    callbacks: Callable[[int], Sequence[tf.keras.callbacks.Callback]] = lambda done: (),
) -> None:
    """Trains to the end; `metrics.csv` has a line for each epoch.

    Args:
        training: Has all variables of the training, and `stop_training`.
        run: Its directory.
        chosen: Section `training` of its configuration.
        begin: Given the steps that are done, returns what trains an epoch and returns
            its numbers, with `"loss"` and `"val_loss"`.
        describe: Given these numbers, says what to report of an epoch.
        report: Called with each line of progress.
        callbacks: Given the epochs that are done, makes further records.

    Raises:
        NonFiniteError: If the training diverges.
        RunError: If the run's files cannot be used.
    """
    every = chosen.steps_per_epoch
    epochs = chosen.steps // every
    checkpoints = Checkpoints(training, run.checkpoints, report, run.run_id, "training")
    done = checkpoints.restore()
    if done:
        report(f"resuming after step {done * every} of {chosen.steps}")
    metrics, scalars = Metrics(run.metrics, done), Scalars(run.tensorboard, every)
    recorded = tf.keras.callbacks.CallbackList(
        # The checkpoint last: an epoch counts once all else is recorded.
        [metrics, scalars, *callbacks(done), checkpoints],
        model=training,
    )
    train_epoch, countdown = begin(done * every), Countdown(epochs, done)
    recorded.on_train_begin()
    if done < epochs:
        report("tracing the network: the first epoch takes longer ...")
    for epoch in range(done, epochs):
        began = time.monotonic()
        logs = {"step": (epoch + 1) * every, **train_epoch()}
        problem = _not_finite(logs["loss"] + logs["val_loss"], training)
        if problem:
            raise NonFiniteError(
                f"training.learning_rate: {problem} before step {logs['step']}; choose "
                f"a lower one. The last good checkpoint is {checkpoints.last()}"
            )
        logs["seconds"] = time.monotonic() - began
        recorded.on_epoch_end(epoch, logs)
        pace = countdown.next()
        report(f"epoch {pace.position}  {describe(logs)}  {pace.left}")
    recorded.on_train_end()


def _not_finite(loss: float, training: tf.Module) -> str:
    """What is not finite, or nothing.

    The loss of a step is from before it: the last step shows in the weights alone.
    """
    if not np.isfinite(loss):
        return f"the loss became {loss}"
    floats = [one for one in training.variables if one.dtype.is_floating]
    sound = all(np.isfinite(one.numpy()).all() for one in floats)
    return "" if sound else "weights became infinite or NaN"
