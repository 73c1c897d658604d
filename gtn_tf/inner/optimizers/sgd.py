"""SGD with heavy-ball momentum, hyperparameters learned (paper, 3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.inner.optimizers.base import (
    Hyperparameter,
    InnerOptimizer,
    LearningRate,
    OptimizerState,
    StepGradient,
    as_rate,
    rate_config,
)
from gtn_tf.weight_tensors import GetTensors


@tf.keras.utils.register_keras_serializable("gtn_tf")
class LearnedSGD(InnerOptimizer):
    """The learner's optimizer: `v = momentum * v + gradient; w = w - rate * v`.

    Both hyperparameters are kept as logarithms, so that they stay positive in
    meta-training.

    Args:
        learning_rate: Initial value for every step, or a Keras schedule of them.
        momentum: Initial value for every step.
        steps: Inner-loop steps, T.
        rates: `"per_step"`, a learned pair for each step; `"shared"`, one learned
            pair; or `"fixed"`.
        **kwargs: Passed to `tf.keras.layers.Layer`.

    Raises:
        ValueError: If a value is not positive or `rates` is none of the three.

    Example:

    >>> values = LearnedSGD(0.25, 0.5, steps=2).hyperparameters()
    >>> values["learning_rates"].numpy().tolist()
    [0.25, 0.25]
    """

    kind = "sgd"
    values = {
        "learning_rates": Hyperparameter("learning_rate", 1e6),
        "momenta": Hyperparameter("momentum", 1e6),
    }
    formula = "v = momentum * v + gradient; w = w - learning_rate * v"

    def __init__(
        self,
        learning_rate: LearningRate = 0.1,
        momentum: float = 0.5,
        steps: int = 32,
        rates: str = "per_step",
        **kwargs: Any,
    ) -> None:
        super().__init__(steps, rates, **kwargs)
        if momentum < 0 or (momentum == 0 and rates != "fixed"):
            raise ArgumentError(
                "expected a positive momentum (0 only with rates='fixed'), received "
                f"{momentum}"
            )
        self.learning_rate = as_rate(learning_rate)
        self.momentum = momentum
        self.log_learning_rate = self._add_learning_rate(self.learning_rate)
        self.log_momentum = self._add_log("log_momentum", momentum)

    def hyperparameters(self) -> dict[str, tf.Tensor]:
        return {
            "learning_rates": self._from_log(self.log_learning_rate),
            "momenta": self._from_log(self.log_momentum),
        }

    @staticmethod
    def init(weights: tf.Tensor) -> OptimizerState:
        return (tf.zeros_like(weights),)

    def update(
        self,
        weights: tf.Tensor,
        state: OptimizerState,
        gradient: tf.Tensor,
        hyperparameters: Mapping[str, tf.Tensor],
        tensors: GetTensors,
    ) -> tuple[tf.Tensor, OptimizerState]:
        return sgd_update(weights, state, gradient, hyperparameters)

    def transpose(
        self,
        before: OptimizerState,
        after: OptimizerState,
        hyperparameters: Mapping[str, tf.Tensor],
        grad_weights: tf.Tensor,
        grad_state: OptimizerState,
    ) -> StepGradient:
        """The derivative of `update`, transposed.

        Args:
            before: The state before the step, `v`.
            after: The state after the step, `v'`.
            hyperparameters: Of the step.
            grad_weights: Gradient with respect to the weights after the step.
            grad_state: Gradient with respect to the state after the step.

        Returns:
            The gradients with respect to all arguments of `update`.
        """
        rate, momentum = hyperparameters["learning_rates"], hyperparameters["momenta"]
        grad_velocity = grad_state[0] - rate * grad_weights  # with respect to v'
        return StepGradient(
            grad_weights,
            (momentum * grad_velocity,),
            grad_velocity,
            {
                "learning_rates": -tf.reduce_sum(grad_weights * after[0]),
                "momenta": tf.reduce_sum(grad_velocity * before[0]),
            },
        )

    def get_config(self) -> dict[str, Any]:
        config = {
            "learning_rate": rate_config(self.learning_rate),
            "momentum": self.momentum,
        }
        return {**super().get_config(), **config}


def sgd_update(
    weights: tf.Tensor,
    state: OptimizerState,
    gradient: tf.Tensor,
    hyperparameters: Mapping[str, tf.Tensor],
) -> tuple[tf.Tensor, OptimizerState]:
    """One step of SGD with momentum as a pure function.

    Args:
        weights: Of any shape.
        state: The velocity, 0 at first.
        gradient: The loss's, with respect to the weights.
        hyperparameters: Scalars `momenta` and `learning_rates`.

    Returns:
        The new weights and the new state.
    """
    (velocity,) = state
    velocity = hyperparameters["momenta"] * velocity + gradient
    return weights - hyperparameters["learning_rates"] * velocity, (velocity,)
