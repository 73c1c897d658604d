"""Adam with learned hyperparameters."""

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
class LearnedAdam(InnerOptimizer):
    """Adam as the learner's optimizer; `adam_update` is its step.

    Learning rates are kept as logarithms, both decays as log odds, so that
    meta-training cannot leave their range.

    Args:
        learning_rate: Initial value for every step, or a Keras schedule of them.
        beta_1: Initial decay of the first moment, for every step.
        beta_2: Initial decay of the second moment, for every step.
        steps: Inner-loop steps, T.
        rates: `"per_step"`, learned values for each step; `"shared"`, learned values
            for all steps; or `"fixed"`.
        epsilon: Added inside and outside of the root; second derivatives are large if
            it is small.
        **kwargs: Passed to `tf.keras.layers.Layer`.

    Raises:
        ValueError: If a value is out of its range or `rates` is none of the three.

    Example:

    >>> values = LearnedAdam(0.25, beta_1=0.5, steps=2).hyperparameters()
    >>> values["betas_1"].numpy().tolist()
    [0.5, 0.5]
    """

    kind = "adam"
    values = {
        "betas_1": Hyperparameter("beta_1", 1.0),
        "betas_2": Hyperparameter("beta_2", 1.0),
        "learning_rates": Hyperparameter("learning_rate", 1e6),
    }
    settings = ("epsilon",)
    formula = (
        "m = beta_1 * m + (1 - beta_1) * gradient; "
        "n = beta_2 * n + (1 - beta_2) * gradient**2; w = w - learning_rate * m / "
        "(sqrt(n + epsilon) + epsilon), m and n without bias"
    )

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        steps: int = 32,
        rates: str = "per_step",
        epsilon: float = EPSILON,
        **kwargs: Any,
    ) -> None:
        super().__init__(steps, rates, **kwargs)
        if not 0 < beta_1 < 1 or not 0 < beta_2 < 1:
            raise ArgumentError(
                "expected beta_1 and beta_2 above 0 and below 1, received "
                f"{beta_1} and {beta_2}"
            )
        self.learning_rate = as_rate(learning_rate)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.log_learning_rate = self._add_learning_rate(self.learning_rate)
        self.log_odds_beta_1 = self._add_log_odds("log_odds_beta_1", beta_1)
        self.log_odds_beta_2 = self._add_log_odds("log_odds_beta_2", beta_2)

    def hyperparameters(self) -> dict[str, tf.Tensor]:
        return {
            "betas_1": self._from_log_odds(self.log_odds_beta_1),
            "betas_2": self._from_log_odds(self.log_odds_beta_2),
            "learning_rates": self._from_log(self.log_learning_rate),
        }

    @staticmethod
    def init(weights: tf.Tensor) -> OptimizerState:
        zeros, zero = tf.zeros_like(weights), tf.zeros([], weights.dtype)
        return zeros, zeros, zero, zero

    def update(
        self,
        weights: tf.Tensor,
        state: OptimizerState,
        gradient: tf.Tensor,
        hyperparameters: Mapping[str, tf.Tensor],
        tensors: GetTensors,
    ) -> tuple[tf.Tensor, OptimizerState]:
        return adam_update(weights, state, gradient, hyperparameters, self.epsilon)

    def get_config(self) -> dict[str, Any]:
        config = {
            "learning_rate": rate_config(self.learning_rate),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
        return {**super().get_config(), **config}


def adam_update(
    weights: tf.Tensor,
    state: OptimizerState,
    gradient: tf.Tensor,
    hyperparameters: Mapping[str, tf.Tensor],
    epsilon: float,
) -> tuple[tf.Tensor, OptimizerState]:
    """One step of Adam as a pure function.

    Args:
        weights: Of any shape.
        state: Both moments, and both moments of a constant 1; initially 0.
        gradient: The loss's, with respect to the weights.
        hyperparameters: Scalars `betas_1`, `betas_2` and `learning_rates`.
        epsilon: Added inside and outside of the root.

    Returns:
        The new weights and the new state.
    """
    direction, state = adam_moments(state, gradient, hyperparameters, epsilon)
    return weights - hyperparameters["learning_rates"] * direction, state


def adam_moments(
    state: OptimizerState,
    gradient: tf.Tensor,
    hyperparameters: Mapping[str, tf.Tensor],
    epsilon: float,
) -> tuple[tf.Tensor, OptimizerState]:
    """The direction of Adam's step, and its state after the step.

    The moments start at 0 and are divided by the moment of a constant 1, which for
    constant decays is Adam's bias correction `1 - beta**t`.

    Args:
        state: As for `adam_update`.
        gradient: As for `adam_update`.
        hyperparameters: As for `adam_update`.
        epsilon: As for `adam_update`.

    Returns:
        The step to subtract, divided by the learning rate, and the new state.
    """
    first, second, ones_1, ones_2 = state
    beta_1, beta_2 = hyperparameters["betas_1"], hyperparameters["betas_2"]
    first = beta_1 * first + (1 - beta_1) * gradient
    second = beta_2 * second + (1 - beta_2) * gradient**2
    ones_1 = beta_1 * ones_1 + (1 - beta_1)
    ones_2 = beta_2 * ones_2 + (1 - beta_2)
    root = tf.sqrt(second / ones_2 + epsilon) + epsilon
    return first / ones_1 / root, (first, second, ones_1, ones_2)
