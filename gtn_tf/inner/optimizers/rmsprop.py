"""RMSProp with learned hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.inner.optimizers.base import (
    EPSILON,
    Hyperparameter,
    InnerOptimizer,
    LearningRate,
    OptimizerState,
    as_rate,
    rate_config,
)
from gtn_tf.weight_tensors import GetTensors


@tf.keras.utils.register_keras_serializable("gtn_tf")
class LearnedRMSProp(InnerOptimizer):
    """RMSProp as the learner's optimizer; `rmsprop_update` is its step.

    Learning rates are kept as logarithms, decays as log odds, so that meta-training
    cannot leave their range.

    Args:
        learning_rate: Initial value for every step, or a Keras schedule of them.
        rho: Initial decay of the mean square, for every step.
        steps: Inner-loop steps, T.
        rates: `"per_step"`, a learned pair for each step; `"shared"`, one learned
            pair; or `"fixed"`.
        epsilon: Added inside and outside of the root; second derivatives are large if
            it is small.
        **kwargs: Passed to `tf.keras.layers.Layer`.

    Raises:
        ValueError: If a value is out of its range or `rates` is none of the three.

    Example:

    >>> values = LearnedRMSProp(0.25, rho=0.5, steps=2).hyperparameters()
    >>> values["rhos"].numpy().tolist()
    [0.5, 0.5]
    """

    kind = "rmsprop"
    values = {
        "learning_rates": Hyperparameter("learning_rate", 1e6),
        "rhos": Hyperparameter("rho", 1.0),
    }
    settings = ("epsilon",)
    formula = (
        "n = rho * n + (1 - rho) * gradient**2; "
        "w = w - learning_rate * gradient / (sqrt(n + epsilon) + epsilon)"
    )

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        rho: float = 0.9,
        steps: int = 32,
        rates: str = "per_step",
        epsilon: float = EPSILON,
        **kwargs: Any,
    ) -> None:
        super().__init__(steps, rates, **kwargs)
        if not 0 < rho < 1:
            raise ArgumentError(f"expected a rho above 0 and below 1, received {rho}")
        self.learning_rate = as_rate(learning_rate)
        self.rho = rho
        self.epsilon = epsilon
        self.log_learning_rate = self._add_learning_rate(self.learning_rate)
        self.log_odds_rho = self._add_log_odds("log_odds_rho", rho)

    def hyperparameters(self) -> dict[str, tf.Tensor]:
        return {
            "learning_rates": self._from_log(self.log_learning_rate),
            "rhos": self._from_log_odds(self.log_odds_rho),
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
        return rmsprop_update(weights, state, gradient, hyperparameters, self.epsilon)

    def get_config(self) -> dict[str, Any]:
        config = {
            "learning_rate": rate_config(self.learning_rate),
            "rho": self.rho,
            "epsilon": self.epsilon,
        }
        return {**super().get_config(), **config}


def rmsprop_update(
    weights: tf.Tensor,
    state: OptimizerState,
    gradient: tf.Tensor,
    hyperparameters: Mapping[str, tf.Tensor],
    epsilon: float,
) -> tuple[tf.Tensor, OptimizerState]:
    """One step of RMSProp as a pure function.

    Args:
        weights: Of any shape.
        state: The mean square of gradients, 0 at first.
        gradient: The loss's, with respect to the weights.
        hyperparameters: Scalars `learning_rates` and `rhos`.
        epsilon: Added inside and outside of the root.

    Returns:
        The new weights and the new state.
    """
    (mean_square,) = state
    rho = hyperparameters["rhos"]
    mean_square = rho * mean_square + (1 - rho) * gradient**2
    root = tf.sqrt(mean_square + epsilon) + epsilon
    step = hyperparameters["learning_rates"] * gradient / root
    return weights - step, (mean_square,)
