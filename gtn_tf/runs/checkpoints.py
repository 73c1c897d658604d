"""Checkpoints that survive an interruption at any moment."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from gtn_tf import optimizers
from gtn_tf.errors import first_line, refused_by_system
from gtn_tf.run_files import RunError
from gtn_tf.runs.soundness import damage, single_values, unreadable

_KEPT = 3
_TENSORFLOW = ".".join(tf.version.VERSION.split(".")[:2])
_FIRST_TENSORFLOW = "2.15"  # of runs whose checkpoints do not say


class Checkpoints(tf.keras.callbacks.Callback):
    """Saves a training at the end of each epoch and finds the last sound save.

    The model with its optimizer and counters and the training time so far are saved,
    so that a resumed run ends with the same weights as one that was never
    interrupted. Only the oldest of more than three sound saves and half-written files
    of an interrupted save are removed.

    Args:
        model: A compiled Keras model, or another module with all of its variables.
        folder: Folder of the checkpoints.
        report: Called with a line when a checkpoint is unusable.
        run_id: The run that they belong to; see `RunDirectory.run_id`.
        name: The model's name in a checkpoint.
        file: Name of the files, given the epochs done, without the suffix.
    """

    def __init__(
        self,
        model: tf.Module,
        folder: Path,
        report: Callable[[str], None],
        run_id: str = "",
        name: str = "gtn",
        file: str = "epoch-{:05d}",
    ) -> None:
        super().__init__()
        if isinstance(model, tf.keras.Model):
            with model.distribute_strategy.scope():
                optimizers.build(model.optimizer, model.trainable_variables)
        self.folder = folder
        self.report = report
        self.seconds = tf.Variable(0.0, dtype=tf.float64)  # of training, so far
        self.epoch = tf.Variable(0, dtype=tf.int64)  # epochs done
        self._run_id = run_id
        self._file = file
        self._stem = file.partition("{")[0]
        self._parts = {name: model}
        self._values = {
            "run": tf.Variable(run_id),
            "tensorflow": tf.Variable(_TENSORFLOW),
            "seconds": self.seconds,
            "epoch": self.epoch,
        }
        self._checkpoint = tf.train.Checkpoint(**self._parts, **self._values)

    def restore(self) -> int:
        """Restores the newest sound checkpoint; damaged ones are moved aside.

        Returns:
            The number of epochs done; 0 if there is no usable checkpoint.

        Raises:
            RunError: If a checkpoint cannot be read now, is another run's, has other
                variables, or was written with another TensorFlow, whose results differ.
                Nothing is changed then.
        """
        for number in sorted(self._numbers(), reverse=True):
            prefix = self._prefix(number)
            problem = damage(prefix)
            if problem is None:
                self._read(prefix)
                self._remove_unfinished()
                self.epoch.assign(number)
                return number
            aside = self._move_aside(number)
            self.report(
                f"{prefix}: damaged ({problem}), kept as {aside}; using the "
                "checkpoint before it"
            )
        self._remove_unfinished()
        return 0

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        self.epoch.assign(epoch + 1)
        prefix = self._prefix(epoch + 1)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._checkpoint.write(prefix)
        except (OSError, tf.errors.OpError) as error:
            raise RunError(
                f"{prefix}: the checkpoint cannot be written "
                f"({refused_by_system(error) or first_line(error)}); the last sound "
                f"one is {self.last()}: the same command, with --resume, goes on with "
                "it"
            ) from None
        oldest = sorted(self._numbers())[-_KEPT:][0]
        for number, file in self._files():
            if number < oldest:
                file.unlink()

    def last(self) -> str:
        """The newest checkpoint, for messages."""
        numbers = self._numbers()
        return self._prefix(max(numbers)) if numbers else "none"

    def _read(self, prefix: str) -> None:
        """Reads all variables of a sound checkpoint, if it is the run's."""
        try:
            found = single_values(prefix)
            theirs = found.get("run", b"").decode()
            if theirs and self._run_id and theirs != self._run_id:
                raise RunError(
                    f"{prefix}: expected a checkpoint of the run {self._run_id}, "
                    f"received one of the run {theirs}; move it away or choose "
                    "another --run-dir"
                )
            wrote = found.get("tensorflow", _FIRST_TENSORFLOW.encode()).decode()
            if wrote != _TENSORFLOW:
                raise RunError(
                    f"{prefix}: written with TensorFlow {wrote}, and with "
                    f"{_TENSORFLOW} the run would come to another result; go on with "
                    "a Python that has it, or choose another --run-dir"
                )
            # Some versions saved fewer values, or counters that are now unused.
            kept = self._values.keys() & found.keys()
            values = {name: tf.Variable(value) for name, value in found.items()}
            values |= {name: self._values[name] for name in kept - {"run"}}
            counted = values.pop("save_counter", None) is not None
            reading = tf.train.Checkpoint(**self._parts, **values)
            if counted:
                _ = reading.save_counter  # made on first access
            reading.read(prefix).assert_consumed()
        except (AssertionError, ValueError) as error:
            # TensorFlow's message goes on to list all of them, one per line.
            tf.get_logger().addFilter(lambda one: "restored" not in one.getMessage())
            raise RunError(
                f"{prefix}: expected the variables of this training, received others "
                f"({first_line(error)}); nothing was changed: go on with the version "
                "of gtn_tf that wrote it, or choose another --run-dir"
            ) from None
        except (OSError, MemoryError, tf.errors.OpError) as error:
            reason = refused_by_system(error) or first_line(error)
            raise unreadable(prefix, reason) from None

    def _prefix(self, number: int) -> str:
        return str(self.folder / self._file.format(number))

    def _numbers(self) -> list[int]:
        # The index is written last: data without one is an interrupted save.
        return [number for number, file in self._files() if file.suffix == ".index"]

    def _files(self) -> list[tuple[int, Path]]:
        """Files of checkpoints, each with its epoch."""
        pattern = rf"{self._stem}(\d+)\.(index|data-\d+-of-\d+)"
        found = [(re.fullmatch(pattern, name), name) for name in self._names()]
        return [(int(match[1]), self.folder / name) for match, name in found if match]

    def _names(self) -> list[str]:
        try:
            return sorted(os.listdir(self.folder))
        except FileNotFoundError:
            if not self.folder.is_symlink():
                return []  # a new run
            raise RunError(
                f"{self.folder}: a link to a folder that is not there now; nothing "
                "was changed: the same command goes on once it is"
            ) from None
        except OSError as error:
            raise unreadable(str(self.folder), str(error.strerror)) from None

    def _move_aside(self, number: int) -> Path:
        """Renames the files of a damaged checkpoint."""
        name = f"damaged-{Path(self._prefix(number)).name}"
        taken = sum(n.startswith(name) and n.endswith(".index") for n in self._names())
        aside = self.folder / (f"{name}-{taken + 1}" if taken else name)
        # The index last: without it the other files are not found as a checkpoint.
        files = [file for at, file in self._files() if at == number]
        for file in sorted(files, key=lambda one: one.suffix == ".index"):
            file.rename(aside.with_name(aside.name + file.suffix))
        return aside

    def _remove_unfinished(self) -> None:
        """Removes what an interrupted save has left."""
        for name in self._names():
            if re.fullmatch(rf"{self._stem}\d+_temp", name):
                shutil.rmtree(self.folder / name)
            elif re.fullmatch(rf"{self._stem}\d+\..*\.tempstate\d+", name):
                (self.folder / name).unlink()
