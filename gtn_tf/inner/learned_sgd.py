"""SGD with heavy-ball momentum whose rates are learned (paper, section 3.1)."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from gtn_tf.errors import ArgumentError

_RATES = ("per_step", "shared", "fixed")


@tf.keras.utils.register_keras_serializable("gtn_tf")
class LearnedSGD(tf.keras.layers.Layer):
    """The learner's optimizer: `v = momentum * v + gradient; w = w - rate * v`.

    Rates are kept as logarithms, so that they are positive whatever meta-training
    makes of them.

    Args:
        learning_rate: Every step's rate before meta-training.
        momentum: Every step's momentum before meta-training.
        steps: Inner-loop steps, T.
        rates: `"per_step"`, a learned pair for each step; `"shared"`, one learned
            pair; or `"fixed"`.
        **kwargs: Passed to `tf.keras.layers.Layer`.

    Raises:
        ValueError: If a rate is not positive or `rates` is none of the three.

    Example:

    >>> learning_rates, momenta = LearnedSGD(0.25, 0.5, steps=2).rates()
    >>> learning_rates.numpy().tolist()
    [0.25, 0.25]
    """

    def __init__(
        self,
        learning_rate: float = 0.1,
        momentum: float = 0.5,
        steps: int = 32,
        rates: str = "per_step",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if rates not in _RATES:
            raise ArgumentError(
                f"rates: expected one of {', '.join(_RATES)}, received {rates!r}"
            )
        if learning_rate <= 0 or momentum < 0 or (momentum == 0 and rates != "fixed"):
            raise ArgumentError(
                "expected a positive learning rate and momentum (a momentum of 0 "
                f"only with rates='fixed'), received {learning_rate} and {momentum}"
            )
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.steps = steps
        self.rate_kind = rates
        self.log_learning_rate = self._add_log("log_learning_rate", learning_rate)
        self.log_momentum = self._add_log("log_momentum", momentum)
        self.built = True

    def _add_log(self, name: str, value: float) -> tf.Variable:
        return self.add_weight(
            name,
            [self.steps if self.rate_kind == "per_step" else 1],
            initializer=tf.keras.initializers.Constant(
                math.log(value) if value else -math.inf
            ),
            trainable=self.rate_kind != "fixed",
        )

    def rates(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Gives the learning rate and the momentum of each step, both `[steps]`."""
        return (
            tf.broadcast_to(tf.exp(self.log_learning_rate), [self.steps]),
            tf.broadcast_to(tf.exp(self.log_momentum), [self.steps]),
        )

    def get_config(self) -> dict[str, Any]:
        config = {
            "learning_rate": self.learning_rate,
            "momentum": self.momentum,
            "steps": self.steps,
            "rates": self.rate_kind,
        }
        return {**super().get_config(), **config}


def update(
    weights: tf.Tensor,
    velocity: tf.Tensor,
    gradient: tf.Tensor,
    learning_rate: tf.Tensor,
    momentum: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """One step of heavy-ball SGD as a pure function.

    Args:
        weights: The learner's weights, `w`, as one vector `[size]`.
        velocity: Their velocity, `v`.
        gradient: Of the learner's loss.
        learning_rate: Scalar.
        momentum: Scalar.

    Returns:
        The new weights and the new velocity.

    Example:

    >>> update(1.0, 0.0, 2.0, learning_rate=0.25, momentum=0.5)
    (0.5, 2.0)
    """
    velocity = momentum * velocity + gradient
    return weights - learning_rate * velocity, velocity
