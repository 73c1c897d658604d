"""What a person watching the run sees."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf


class Progress(tf.keras.callbacks.Callback):
    """One line for each epoch; on a terminal also one that moves within the epoch.

    It adds `iteration` and `iterations_per_second` to the logs, so that it has to
    come before the callbacks that write them down.

    Args:
        iterations: Meta-iterations of the whole run.
        seconds: Variable that holds the training time so far and is kept up to date.
        report: Called with each line.
    """

    def __init__(
        self, iterations: int, seconds: tf.Variable, report: Callable[[str], None]
    ) -> None:
        super().__init__()
        self.iterations = iterations
        self.seconds = seconds
        self.report = report

    def on_train_begin(self, logs: Any = None) -> None:
        self.report("tracing the meta-loop: the first iteration takes a while ...")
        self._first = int(self.model.iterations)
        self._started = self._shown = time.monotonic()
        self._traced: float | None = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch_began = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        now = time.monotonic()
        if self._traced is None:
            self._traced = now
        if sys.stdout.isatty() and now - self._shown > 1:
            self._shown = now
            done = int(self.model.iterations)
            line = f"{self._position(done)}  {self._left(done, now)}"
            print(f"\r{line}\x1b[K", end="", flush=True)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        now = time.monotonic()
        self.seconds.assign_add(now - self._epoch_began)
        done = int(self.model.iterations)
        logs["iteration"] = done
        logs["iterations_per_second"] = self._speed(done, now)
        skipped = int(logs["skipped"])
        parts = [
            self._position(done),
            f"meta-loss {logs['meta_loss']:.3f}",
            f"validation accuracy {logs['val_accuracy']:.1%}",
            f"{logs['iterations_per_second']:.2f} it/s",
            self._left(done, now),
            *([f"{skipped} skipped (not finite)"] if skipped else []),
        ]
        if sys.stdout.isatty():
            print("\r\x1b[K", end="")
        self.report("  ".join(parts))

    def _position(self, done: int) -> str:
        width = len(str(self.iterations))
        return f"iteration {done:{width}}/{self.iterations}"

    def _speed(self, done: int, now: float) -> float:
        # The first iteration is left out: it is spent on tracing.
        began = self._started if self._traced is None else self._traced
        elapsed = max(now - began, 1e-9)
        return max(done - self._first - 1, 1) / elapsed

    def _left(self, done: int, now: float) -> str:
        if done - self._first < 2:
            return ""
        seconds = round((self.iterations - done) / self._speed(done, now))
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        clock = f"{hours}:{minutes:02}" if hours else f"{minutes}"
        return f"{clock}:{seconds:02} left"
