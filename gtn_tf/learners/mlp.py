"""Learners of dense layers only."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from gtn_tf.learners.learners import SequentialLearners, Width


@dataclasses.dataclass(frozen=True, eq=False)
class MLPLearners(SequentialLearners):
    """Dense layers on the flattened image, each with its norm and LeakyReLU.

    They take tables, too.

    Args:
        units: Widths of the hidden layers; an integer, or a pair `(low, high)` to
            draw it from, `high` excluded.
        weight_norm: Whether every layer is weight-normalised.
        batch_norm: `"mean_only"` (the paper's), `"full"` or `"none"`.
        negative_slope: Of LeakyReLU; 0 makes it a ReLU.
        dense_norm: Whether hidden dense layers have it, too.
        norm_momentum: Of the batch norms' running statistics, in [0, 1); the paper's 0
            keeps those of the last batch.
        architectures: Networks drawn.
        seed: Integer that the architectures are drawn from.

    Example:

    >>> learner, = MLPLearners(units=[256, 128]).build((8, 8, 1), num_classes=10)
    >>> learner.output_shape
    (None, 10)
    """

    units: Sequence[Width] = (256, 128)
    weight_norm: bool = True
    batch_norm: str = "mean_only"
    negative_slope: float = 0.1
    dense_norm: bool = True
    norm_momentum: float = 0.0
    architectures: int = 1
    seed: int = 0

    def _layers(
        self, rng: np.random.Generator, num_classes: int
    ) -> list[tf.keras.layers.Layer]:
        units = self._draw(rng, self.units)
        return [tf.keras.layers.Flatten(), *self._dense(units, num_classes)]
