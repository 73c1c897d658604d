"""Dropout and scheduled drop path as pure functions of a seed and the step.

Keras' own `Dropout` keeps the state of its generator out of checkpoints: a resumed
training would draw other numbers than an uninterrupted one.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from gtn_tf.errors import ArgumentError


class StepClock(tf.keras.layers.Layer):
    """Counts the training steps of a network, for schedules.

    The count is a weight and is saved with the others, so that a resumed training
    goes on where it was. The input is ignored.

    Example:

    >>> clock = StepClock()
    >>> [int(clock(tf.zeros([1]), training=True)) for _ in range(2)], int(clock.step)
    ([0, 1], 2)
    """

    def build(self, input_shape: Any) -> None:
        """Makes the counter.

        Args:
            input_shape: Ignored.
        """
        self.step = self.add_weight(
            "step",
            [],
            tf.int64,
            initializer="zeros",
            trainable=False,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Returns the steps done before this one, int64 `[]`.

        Args:
            inputs: Ignored.
            training: Whether this call is a training step.
        """
        done = tf.identity(self.step)
        if training:
            self.step.assign_add(1)
        return done


class Dropout(tf.keras.layers.Layer):
    """Drops values at random in training and scales the others.

    Args:
        rate: Share of the values dropped.
        seed: Should differ from layer to layer.
        **kwargs: As for any Keras layer.

    Raises:
        ValueError: If `rate` is out of its range.

    Example:

    >>> drop, x = Dropout(rate=0.5), tf.ones([2, 3])
    >>> bool(tf.reduce_all(drop([x, tf.constant(0, tf.int64)]) == x))
    True
    """

    def __init__(self, rate: float, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ArgumentError(f"expected a rate in [0, 1), received {rate}")
        self.rate = rate
        self.seed = seed

    def call(self, inputs: list[tf.Tensor], training: bool | None = None) -> tf.Tensor:
        """Drops values and scales the rest, so that the mean stays.

        Args:
            inputs: `[batch, ...]`, and the steps done, int64 `[]`.
            training: Whether anything is dropped.
        """
        x, step = inputs
        if not training:
            return x
        keep = 1 - self._rate_at(step)  # []
        key = tf.stack([tf.constant(self.seed % 2**63, tf.int64), step])
        drawn = tf.random.stateless_uniform(self._noise_shape(x), key)
        return x / tf.cast(keep, x.dtype) * tf.cast(drawn < keep, x.dtype)

    def _rate_at(self, step: tf.Tensor) -> tf.Tensor:
        return tf.constant(self.rate)

    def _noise_shape(self, x: tf.Tensor) -> tf.Tensor:
        return tf.shape(x)

    def get_config(self) -> dict[str, Any]:
        """The arguments of this layer."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


class DropPath(Dropout):
    """Drops a whole path for some images (Larsson et al. 2017; Zoph et al. 2018).

    The rate rises linearly from 0 to `rate` during the training.

    Args:
        rate: Share of the paths dropped at the end of the training.
        steps: Number of training steps.
        seed: Should differ from path to path.
        **kwargs: As for any Keras layer.

    Raises:
        ValueError: If `rate` or `steps` is out of its range.

    Example:

    >>> drop, x = DropPath(rate=0.5, steps=10), tf.ones([4, 1, 1, 1])
    >>> bool(tf.reduce_all(drop([x, tf.constant(0, tf.int64)], training=True) == x))
    True
    """

    def __init__(self, rate: float, steps: int, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(rate, seed, **kwargs)
        if steps < 1:
            raise ArgumentError(f"expected at least one step, received {steps}")
        self.steps = steps

    def _rate_at(self, step: tf.Tensor) -> tf.Tensor:
        done = tf.cast(step, tf.float32) / self.steps
        return self.rate * tf.minimum(done, 1.0)

    def _noise_shape(self, x: tf.Tensor) -> tf.Tensor:
        ones = tf.ones([x.shape.rank - 1], tf.int32)
        return tf.concat([tf.shape(x)[:1], ones], 0)  # [batch, 1, 1, 1]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "steps": self.steps}
