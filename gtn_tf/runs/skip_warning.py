"""Warns of skip connections that take over a search."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from gtn_tf.run_files import read_column


class SkipWarning(tf.keras.callbacks.Callback):
    """Reports when most edges are skip connections, and more than an epoch ago.

    It reads `skips` and `step` of the logs.

    Args:
        metrics: Table of the epochs before, if any.
        edges: How many skip connections there may be.
        report: Called with the warning.
        after: Steps in which nothing is searched yet.
    """

    def __init__(
        self,
        metrics: Path,
        edges: int,
        report: Callable[[str], None],
        after: int = 0,
    ) -> None:
        super().__init__()
        self._metrics = metrics
        self._edges = edges
        self._report = report
        self._after = after
        self._before: float | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        self._before = next(reversed(read_column(self._metrics, "skips")), None)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        now, before = logs["skips"], self._before
        self._before = now
        if logs["step"] <= self._after or before is None:
            return
        if before < now and 2 * now > self._edges:
            self._report(
                f"warning: {now} of {self._edges} edges are skip connections, "
                f"{before:.0f} an epoch ago. A search in which they keep growing has "
                "collapsed; take an earlier epoch's genotype"
            )
