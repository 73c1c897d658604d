"""Scheduled drop path, for the full training of deep cells."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


class StepClock(tf.keras.layers.Layer):
    """Counts the training steps of a network, for what changes with them.

    The count is a weight and is saved with the others, so that a resumed training
    goes on where it was. Its input decides nothing.

    Example:

    >>> clock = StepClock()
    >>> [int(clock(tf.zeros([1]), training=True)) for _ in range(2)], int(clock.step)
    ([0, 1], 2)
    """

    def build(self, input_shape: Any) -> None:
        """Makes the counter.

        Args:
            input_shape: Of anything.
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
        """Gives the steps done before this one, int64 `[]`.

        Args:
            inputs: Anything.
            training: Whether this is one.
        """
        done = tf.identity(self.step)
        if training:
            self.step.assign_add(1)
        return done


class DropPath(tf.keras.layers.Layer):
    """Drops a whole path of some images (Larsson et al. 2017; Zoph et al. 2018).

    The rate rises linearly from 0 to `rate` during the training. The paths of an image
    are a pure function of the seed and the step, whatever was drawn before.

    Args:
        rate: Share of the paths dropped at the end of the training.
        steps: Of the whole training.
        seed: Of this path; it should differ from path to path.
        **kwargs: As for any Keras layer.

    Raises:
        ValueError: If `rate` or `steps` is out of its range.

    Example:

    >>> drop, x = DropPath(rate=0.5, steps=10), tf.ones([4, 1, 1, 1])
    >>> bool(tf.reduce_all(drop([x, tf.constant(0, tf.int64)], training=True) == x))
    True
    """

    def __init__(self, rate: float, steps: int, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1 or steps < 1:
            raise ValueError(
                "expected a rate from 0 to below 1 and at least one step, received "
                f"{rate} and {steps}"
            )
        self.rate = rate
        self.steps = steps
        self.seed = seed

    def call(self, inputs: list[tf.Tensor], training: bool | None = None) -> tf.Tensor:
        """Drops and scales the rest, so that the mean stays.

        Args:
            inputs: `[batch, h, w, c]`, and the steps done, int64 `[]`.
            training: Without it, nothing is dropped.
        """
        x, step = inputs
        if not training:
            return x
        done = tf.cast(step, x.dtype) / self.steps
        keep = 1 - self.rate * tf.minimum(done, tf.ones([], x.dtype))
        key = tf.stack([tf.constant(self.seed, tf.int64), step])
        shape = tf.concat([tf.shape(x)[:1], tf.ones([x.shape.rank - 1], tf.int32)], 0)
        drawn = tf.random.stateless_uniform(shape, key, dtype=tf.float32)
        kept = tf.cast(drawn < tf.cast(keep, tf.float32), x.dtype)  # [batch, 1, 1, 1]
        return x / keep * kept

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again."""
        mine = {"rate": self.rate, "steps": self.steps, "seed": self.seed}
        return {**super().get_config(), **mine}
