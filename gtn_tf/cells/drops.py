"""Dropout and drop path of networks of cells."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from gtn_tf.layers import Dropout, DropPath, StepClock

_SEEDS = 1000  # of a cell, more than it has paths


class Drops:
    """Dropout of the pooled features and scheduled drop path of one network.

    Args:
        inputs: The network's inputs.
        cells: Number of cells.
        dropout: Share of the pooled features dropped.
        drop_path: Share of the paths in the last cell dropped at the end of training;
            earlier cells and steps have less, in proportion.
        steps: Number of training steps.
        seed: Seed of all draws.
    """

    def __init__(
        self,
        inputs: tf.Tensor,
        cells: int,
        dropout: float,
        drop_path: float,
        steps: int,
        seed: int,
    ) -> None:
        drops = dropout or drop_path
        self._clock = StepClock(name="clock")(inputs) if drops else None
        self._cells, self._dropout, self._drop_path = cells, dropout, drop_path
        self._steps, self._seed = steps, seed

    def paths(self, number: int) -> Paths:
        """The paths of a cell.

        Args:
            number: Number of the cell, from 1.
        """
        rate = self._drop_path * number / self._cells
        return Paths(self._clock, rate, self._steps, self._seed + _SEEDS * number)

    def features(self, x: tf.Tensor) -> tf.Tensor:
        """Applies dropout to the pooled features.

        Args:
            x: `[batch, channels]`.
        """
        if not self._dropout:
            return x
        return Dropout(self._dropout, self._seed)([x, self._clock])


@dataclass
class Paths:
    """The paths of one cell, which may be dropped."""

    clock: tf.Tensor | None
    rate: float
    steps: int
    seed: int  # of the next path

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        if not self.rate:
            return x
        self.seed += 1
        return DropPath(self.rate, self.steps, self.seed)([x, self.clock])
