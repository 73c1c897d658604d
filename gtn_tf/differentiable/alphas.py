"""The numbers that choose the operations, and how they learn."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from gtn_tf.cells.nas_bench_201 import EDGES, OPS_201, Genotype201

_FIRST = 1e-3  # standard deviation of the first ones
_EPSILON = 1e-8


class AlphaAdam(NamedTuple):
    """Settings of the alphas' Adam; those of the authors of DARTS are the defaults.

    Args:
        learning_rate: Of each step.
        beta_1: Of the mean of gradients.
        beta_2: Of the mean of their squares.
        weight_decay: Times each alpha, added to its gradient.
    """

    learning_rate: float = 3e-4
    beta_1: float = 0.5
    beta_2: float = 0.999
    weight_decay: float = 1e-3


class Alphas(tf.Module):
    """An alpha for each operation of each edge of a cell of NAS-Bench-201.

    Args:
        adam: Settings of their optimizer.
        seed: Of the first ones, which are almost 0.

    Example:

    >>> alphas = Alphas(AlphaAdam(learning_rate=1.0))
    >>> alphas.move(tf.one_hot([1] * 6, 5, on_value=-1.0))
    >>> alphas.genotype.ops[0], alphas.skips
    ('skip_connect', 6)
    """

    def __init__(self, adam: AlphaAdam, seed: int = 0) -> None:
        super().__init__()
        self._adam = adam
        shape, dtype = [len(EDGES), len(OPS_201)], tf.keras.backend.floatx()
        # Not the seed of the weights, whose random bits they would share.
        drawn = tf.random.stateless_normal(shape, [seed % 2**31, 1], dtype=dtype)
        self.values = tf.Variable(_FIRST * drawn)
        self.step = tf.Variable(0, dtype=tf.int64)
        self._mean = tf.Variable(tf.zeros(shape, dtype))
        self._square = tf.Variable(tf.zeros(shape, dtype))

    @property
    def mixture(self) -> tf.Tensor:
        """The probability of each operation, `[6, 5]`."""
        return tf.nn.softmax(self.values)

    @property
    def entropy(self) -> float:
        """The mean entropy of the edges, in nats; log 5 if all is open."""
        logs = tf.nn.log_softmax(self.values)
        return float(-tf.reduce_mean(tf.reduce_sum(tf.exp(logs) * logs, 1)))

    @property
    def genotype(self) -> Genotype201:
        """The cell of the largest alphas; of equal ones, the first in `OPS_201`."""
        picked = tf.argmax(self.values, 1).numpy().tolist()
        return Genotype201(tuple(OPS_201[number] for number in picked))

    @property
    def skips(self) -> int:
        """How many edges of that cell are skip connections."""
        return self.genotype.ops.count("skip_connect")

    def move(self, gradient: tf.Tensor) -> None:
        """Takes a step of Adam.

        Args:
            gradient: Of the loss, `[6, 5]`.
        """
        adam, dtype = self._adam, self.values.dtype
        gradient += adam.weight_decay * self.values
        self.step.assign_add(1)
        for average, decay, now in (
            (self._mean, adam.beta_1, gradient),
            (self._square, adam.beta_2, gradient**2),
        ):
            average.assign(decay * average + (1 - decay) * now)
        done = tf.cast(self.step, dtype)
        mean, square = (
            average / (1 - tf.pow(tf.cast(decay, dtype), done))
            for average, decay in (
                (self._mean, adam.beta_1),
                (self._square, adam.beta_2),
            )
        )
        self.values.assign_sub(adam.learning_rate * mean / (tf.sqrt(square) + _EPSILON))
