"""How probable each operation is, after each epoch: in a table, drawn, and shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf import plots
from gtn_tf.cells.nas_bench_201 import EDGES, OPS_201
from gtn_tf.run_files import damaged, read_rows
from gtn_tf.runs.directory import RunDirectory
from gtn_tf.runs.records import Metrics, Scalars

_EDGES = [f"{source}->{to}" for to, source in EDGES]


class OperationHistory(tf.keras.callbacks.Callback):
    """Records the probabilities of all operations: six lines of a table each epoch.

    Args:
        probabilities: Gives them, `[6, 5]`.
        run: Directory of the run.
        name: Of the table and the picture in it, without suffix.
        steps: Of an epoch.
        epochs_done: Epochs whose lines stay.
        title: Of the picture.

    Raises:
        RunError: If the table has lines that no run wrote. It is not changed.
    """

    def __init__(
        self,
        probabilities: Callable[[], np.ndarray],
        run: RunDirectory,
        name: str,
        steps: int,
        epochs_done: int,
        title: str,
    ) -> None:
        super().__init__()
        self._probabilities = probabilities
        self._steps = steps
        self._title = title
        self._table, self._picture = (run.path / f"{name}{s}" for s in (".csv", ".png"))
        self._lines = Metrics(self._table, epochs_done)
        self._scalars = Scalars(run.tensorboard / name, steps)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self._lines.set_model(model)

    def on_train_begin(self, logs: Any = None) -> None:
        self._lines.on_train_begin(logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        now = self._probabilities().tolist()
        step = (epoch + 1) * self._steps
        for edge, of_edge in zip(_EDGES, now):
            probabilities = dict(zip(OPS_201, of_edge))
            self._lines.on_epoch_end(
                epoch, {"step": step, "edge": edge, **probabilities}
            )
            named = {f"{edge}/{op}": p for op, p in probabilities.items()}
            self._scalars.on_epoch_end(epoch, named)
        draw_history(self._table, self._picture, self._title)

    def on_train_end(self, logs: Any = None) -> None:
        self._lines.on_train_end(logs)


def draw_history(table: Path, picture: Path, title: str) -> None:
    """Draws the table of a search.

    Args:
        table: The CSV file.
        picture: The PNG file.
        title: Above the picture.

    Raises:
        RunError: If the table is damaged.
    """
    steps, probabilities = read_history(table)
    by_edge = {
        edge: {op: probabilities[:, e, o] for o, op in enumerate(OPS_201)}
        for e, edge in enumerate(_EDGES)
    }
    skip = OPS_201.index("skip_connect")
    skips = (probabilities.argmax(2) == skip).sum(1)
    plots.operations(by_edge, skips, steps, title, picture)


def read_history(table: Path) -> tuple[list[int], np.ndarray]:
    """Reads the table of a search.

    Args:
        table: The CSV file.

    Returns:
        The steps, and the probabilities `[steps, 6, 5]`.

    Raises:
        RunError: If the table is damaged.
    """
    rows = read_rows(table)
    try:
        numbers = [[float(row[op]) for op in OPS_201] for row in rows]
        steps = [int(row["step"]) for row in rows[:: len(EDGES)]]
        return steps, np.reshape(numbers, [len(steps), len(EDGES), len(OPS_201)])
    except (KeyError, ValueError) as error:
        raise damaged(table, f"no table of operations, {error}") from None
