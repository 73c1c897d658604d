"""How probable each choice of a space is, after each epoch: in a table, and drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf import plots
from gtn_tf.cells import SKIPS
from gtn_tf.run_files import damaged, read_rows
from gtn_tf.runs.directory import RunDirectory
from gtn_tf.runs.records import Metrics, Scalars

Probabilities = Mapping[str, Mapping[Any, float]]  # for each choice, of its values

_OTHERS = "epoch", "step", "edge"  # columns that are no value of a choice
# In the columns of values that a choice does not have, and in those that Keras adds.
_NO_NUMBER = "", "NA"


class OperationHistory(tf.keras.callbacks.Callback):
    """Records probabilities: a line of a table for each choice in each epoch.

    Args:
        probabilities: Gives them.
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
        probabilities: Callable[[], Probabilities],
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
        now = self._probabilities()
        # A choice has no number in the columns of others' values.
        columns = {str(value): "" for values in now.values() for value in values}
        step = (epoch + 1) * self._steps
        for choice, values in now.items():
            named = {str(value): number for value, number in values.items()}
            line = {"step": step, "edge": choice, **columns, **named}
            self._lines.on_epoch_end(epoch, line)
            shown = {f"{choice}/{value}": number for value, number in named.items()}
            self._scalars.on_epoch_end(epoch, shown)
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
    steps, choices = read_history(table)
    won = [_is_skip_first(one) for one in choices.values() if {*SKIPS} & {*one}]
    plots.operations(choices, np.sum(won, axis=0), len(won), steps, title, picture)


def _is_skip_first(values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Whether a skip connection is the most probable, bool `[steps]`."""
    first = np.argmax([*values.values()], axis=0)
    return np.isin(np.array([*values])[first], SKIPS)


def read_history(table: Path) -> tuple[list[int], dict[str, dict[str, np.ndarray]]]:
    """Reads the table of a search.

    Args:
        table: The CSV file.

    Returns:
        The steps, and for each choice and value its probabilities `[steps]`.

    Raises:
        RunError: If the table is damaged.
    """
    rows = read_rows(table)
    try:
        of_rows = [int(row["step"]) for row in rows]
        steps = [*dict.fromkeys(of_rows)]
        choices = len(rows) // max(1, len(steps))
        if not rows or of_rows != np.repeat(steps, choices).tolist():
            raise ValueError("not as many lines for each step")
        of_choices = [rows[number::choices] for number in range(choices)]
        return steps, {lines[-1]["edge"]: _numbers(lines) for lines in of_choices}
    except (KeyError, ValueError) as error:
        raise damaged(table, f"no table of operations, {error}") from None


def _numbers(lines: list[dict[str, str]]) -> dict[str, np.ndarray]:
    """The numbers of the values that a choice has."""
    values = [
        name
        for name, cell in lines[0].items()
        if name not in _OTHERS and cell not in _NO_NUMBER
    ]
    return {name: np.array([float(line[name]) for line in lines]) for name in values}
