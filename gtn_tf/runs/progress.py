"""Progress lines of a run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from gtn_tf.countdown import Pace


class Progress(tf.keras.callbacks.Callback):
    """One line for each epoch; on a terminal also one that is updated within it.

    It adds `iteration` and `iterations_per_second` to the logs, so it has to come
    before the callbacks that record them.

    Args:
        iterations: Meta-iterations of the whole run.
        seconds: Variable that is updated to the training time so far.
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
        self._first = int(self.model.iterations.numpy())
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
            pace = self._pace(now)
            print(f"\r{self._position(pace)}  {pace.left}\x1b[K", end="", flush=True)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        now = time.monotonic()
        self.seconds.assign_add(now - self._epoch_began)
        pace = self._pace(now)
        logs["iteration"] = pace.done
        logs["iterations_per_second"] = pace.per_minute / 60
        skipped = int(logs["skipped"])
        parts = [
            self._position(pace),
            f"meta-loss {logs['meta_loss']:.3f}",
            f"validation accuracy {logs['val_accuracy']:.1%}",
            f"{logs['iterations_per_second']:.2f} it/s",
            pace.left,
            *([f"{skipped} skipped (not finite)"] if skipped else []),
        ]
        if sys.stdout.isatty():
            print("\r\x1b[K", end="")
        self.report("  ".join(parts))

    def _position(self, pace: Pace) -> str:
        width = 2 * len(str(self.iterations)) + 1
        return f"iteration {pace.position:>{width}}"

    def _pace(self, now: float) -> Pace:
        done = int(self.model.iterations.numpy())
        timed, began = done - self._first, self._started
        if self._traced is not None and timed > 1:
            # The first iteration is not timed: it is spent on tracing.
            timed, began = timed - 1, self._traced
        return Pace(done, self.iterations, timed, now - began)
