"""LAMB with learned hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from gtn_tf.inner.optimizers.adam import LearnedAdam, adam_moments
from gtn_tf.inner.optimizers.base import EPSILON, LearningRate, OptimizerState
from gtn_tf.weight_tensors import GetTensors

_LEAST = 1e-12  # added to squared norms: the root's derivative is infinite at 0


@tf.keras.utils.register_keras_serializable("gtn_tf")
class LearnedLAMB(LearnedAdam):
    """LAMB as the learner's optimizer (You et al. 2020, arXiv 1904.00962).

    Adam's step, as long as the learning rate times the norm of the weights, for each
    kernel: one rate suits layers of any width and data of any scale. Biases, and
    whatever else has one axis, take Adam's step as it is. There is no weight decay.

    Args:
        learning_rate: Initial value for every step, or a Keras schedule of them; .05
            suits most networks.
        beta_1: As for `LearnedAdam`.
        beta_2: As for `LearnedAdam`.
        steps: As for `LearnedAdam`.
        rates: As for `LearnedAdam`.
        epsilon: As for `LearnedAdam`.
        **kwargs: As for `LearnedAdam`.

    Raises:
        ValueError: If a value is out of its range or `rates` is none of the three.

    Example:

    >>> values = LearnedLAMB(0.25, steps=2).hyperparameters()
    >>> values["learning_rates"].numpy().tolist()
    [0.25, 0.25]
    """

    kind = "lamb"
    formula = (
        "m = beta_1 * m + (1 - beta_1) * gradient; "
        "n = beta_2 * n + (1 - beta_2) * gradient**2; u = m / "
        "(sqrt(n + epsilon) + epsilon), m and n without bias; w = w - learning_rate * "
        "u * norm(w) / norm(u), of each kernel, and without the norms for all else"
    )

    def __init__(
        self,
        learning_rate: LearningRate = 0.05,
        beta_1: float = 0.5,
        beta_2: float = 0.95,
        steps: int = 32,
        rates: str = "per_step",
        epsilon: float = EPSILON,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, steps, rates, epsilon, **kwargs)

    def update(
        self,
        weights: tf.Tensor,
        state: OptimizerState,
        gradient: tf.Tensor,
        hyperparameters: Mapping[str, tf.Tensor],
        tensors: GetTensors,
    ) -> tuple[tf.Tensor, OptimizerState]:
        return lamb_update(
            weights, state, gradient, hyperparameters, tensors, self.epsilon
        )


def lamb_update(
    weights: tf.Tensor,
    state: OptimizerState,
    gradient: tf.Tensor,
    hyperparameters: Mapping[str, tf.Tensor],
    tensors: GetTensors,
    epsilon: float,
) -> tuple[tf.Tensor, OptimizerState]:
    """One step of LAMB as a pure function.

    Args:
        weights: Of one tensor or several.
        state: As for `adam_update`.
        gradient: The loss's, with respect to the weights.
        hyperparameters: As for `adam_update`.
        tensors: Gives what the weights are made of.
        epsilon: As for `adam_update`.

    Returns:
        The new weights and the new state.
    """
    direction, state = adam_moments(state, gradient, hyperparameters, epsilon)
    parts = tensors()
    norms = [parts.squared_norms(x) + _LEAST for x in (weights, direction)]
    # A kernel of zeros would never move.
    scaled = parts.are_kernels() & (norms[0] > _LEAST)
    ratio = tf.sqrt(norms[0] / norms[1])
    step = hyperparameters["learning_rates"] * direction
    return weights - tf.where(scaled, ratio, 1.0) * step, state
