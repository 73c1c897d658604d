"""Checkpoints that survive an interruption at any moment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from gtn_tf.gtn import GTN

_KEPT = 3


class Checkpoints(tf.keras.callbacks.Callback):
    """Saves a GTN at the end of each epoch and finds the last sound save.

    Weights, optimizer, counters and the training time so far are saved, so that a
    resumed run ends with the same weights as one that was never interrupted.

    Args:
        gtn: A compiled GTN.
        folder: Where the checkpoints are.
        report: Called with a line when a checkpoint is unusable.
    """

    def __init__(self, gtn: GTN, folder: Path, report: Callable[[str], None]) -> None:
        super().__init__()
        gtn.optimizer.build(gtn.trainable_variables)
        self.folder = folder
        self.report = report
        self.seconds = tf.Variable(0.0, dtype=tf.float64)  # of training, so far
        self.epoch = tf.Variable(0, dtype=tf.int64)  # epochs done
        self._checkpoint = tf.train.Checkpoint(
            gtn=gtn, seconds=self.seconds, epoch=self.epoch
        )

    def restore(self) -> int:
        """Brings back the newest sound checkpoint and removes unsound ones.

        Returns:
            The number of epochs done; 0 if there is no checkpoint to use.
        """
        fresh = [(v, v.numpy()) for v in self._variables()]
        for number in sorted(self._numbers(), reverse=True):
            try:
                self._checkpoint.read(self._prefix(number)).assert_consumed()
            except Exception as error:  # whatever a damaged file makes of itself
                problem = str(error).splitlines()[0]
                self.report(
                    f"{self._prefix(number)}: damaged ({problem}); using the "
                    "checkpoint before it"
                )
                self._remove(number)
                for variable, value in fresh:
                    variable.assign(value)
            else:
                return int(self.epoch)
        return 0

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        self.epoch.assign(epoch + 1)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._checkpoint.write(self._prefix(epoch + 1))
        for number in sorted(self._numbers())[:-_KEPT]:
            self._remove(number)

    def last(self) -> str:
        """The newest checkpoint, for messages."""
        numbers = self._numbers()
        return self._prefix(max(numbers)) if numbers else "none"

    def _variables(self) -> list[tf.Variable]:
        gtn = self._checkpoint.gtn
        return [*gtn.variables, *gtn.optimizer.variables, self.seconds, self.epoch]

    def _prefix(self, number: int) -> str:
        return str(self.folder / f"epoch-{number:05d}")

    def _numbers(self) -> list[int]:
        # The index is written last: data without one is a save that was cut short.
        return [int(file.stem[6:]) for file in self.folder.glob("epoch-*.index")]

    def _remove(self, number: int) -> None:
        for file in self.folder.glob(f"epoch-{number:05d}.*"):
            file.unlink()
