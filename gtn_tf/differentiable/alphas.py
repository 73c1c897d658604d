"""The numbers that choose the operations, and how they learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

_FIRST = 1e-3  # standard deviation of the first ones
_NEVER = -1e9  # the logarithm of a probability that is 0
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
    """An alpha for each value of each choice of a space.

    Args:
        choices: How many values each choice has, as `SuperNetwork.choices` gives it.
        adam: Settings of their optimizer.
        seed: Of the first ones, which are almost 0.

    Attributes:
        values: The alphas, a variable `[choices, most]`; 0 beyond the values of a
            choice.

    Example:

    >>> alphas = Alphas([2, 3], AlphaAdam(learning_rate=1.0, weight_decay=0.0))
    >>> alphas.move(tf.one_hot([1, 2], 3, on_value=-1.0))
    >>> alphas.picked
    [1, 2]
    >>> print(alphas.mixture.numpy().round(1))
    [[0.3 0.7 0. ]
     [0.2 0.2 0.6]]
    """

    def __init__(self, choices: Sequence[int], adam: AlphaAdam, seed: int = 0) -> None:
        super().__init__()
        self._adam = adam
        dtype = tf.keras.backend.floatx()
        there = tf.sequence_mask(choices, dtype=dtype)
        self._absent = _NEVER * (1 - there)
        shape = there.shape
        # Not the seed of the weights, whose random bits they would share.
        drawn = tf.random.stateless_normal(shape, [seed % 2**31, 1], dtype=dtype)
        self.values = tf.Variable(_FIRST * drawn * there)
        self.step = tf.Variable(0, dtype=tf.int64)
        self._mean = tf.Variable(tf.zeros(shape, dtype))
        self._square = tf.Variable(tf.zeros(shape, dtype))

    @property
    def mixture(self) -> tf.Tensor:
        """The probability of each value, `[choices, most]`."""
        return tf.nn.softmax(self.logits(self.values))

    @property
    def entropy(self) -> float:
        """The mean entropy of the choices, in nats; log 5 if all of 5 are open."""
        logs = tf.nn.log_softmax(self.logits(self.values))
        return float(-tf.reduce_mean(tf.reduce_sum(tf.exp(logs) * logs, 1)))

    @property
    def picked(self) -> list[int]:
        """The value of the largest alpha of each choice; of equal ones, the first."""
        numbers: list[int] = tf.argmax(self.logits(self.values), 1).numpy().tolist()
        return numbers

    def logits(self, values: tf.Tensor) -> tf.Tensor:
        """Alphas as logits: where a choice has no value, it is never drawn.

        Args:
            values: `[choices, most]`.
        """
        return values + self._absent

    def move(self, gradient: tf.Tensor) -> None:
        """Takes a step of Adam.

        Args:
            gradient: Of the loss, `[choices, most]`.
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
