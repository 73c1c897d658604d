"""Learned Adam, LAMB and RMSProp as optimizers for any Keras model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import tensorflow as tf

from gtn_tf.inner.optimizers.adam import LearnedAdam, adam_update
from gtn_tf.inner.optimizers.base import EPSILON, InnerOptimizer, OptimizerState
from gtn_tf.inner.optimizers.lamb import LearnedLAMB, lamb_update
from gtn_tf.inner.optimizers.rmsprop import LearnedRMSProp, rmsprop_update
from gtn_tf.teaching.curriculum_optimizer import CurriculumOptimizer, Values
from gtn_tf.weight_tensors import GetTensors


@tf.keras.utils.register_keras_serializable("gtn_tf")
class CurriculumAdam(CurriculumOptimizer):
    """Adam with hyperparameters for each step, the update of `gtn_tf.LearnedAdam`.

    Args:
        learning_rates: One for each step, repeated after the last.
        betas_1: Likewise.
        betas_2: Likewise.
        epsilon: Added inside and outside the root.
        name: Name of the optimizer; that of the class by default.
        **kwargs: Passed to `tf.keras.optimizers.Optimizer`.

    Raises:
        ValueError: If there is not one value of each for each step.

    Example:

    >>> weight = tf.Variable(1.0)
    >>> optimizer = CurriculumAdam([0.25], [0.9], [0.9], epsilon=1e-9)
    >>> _ = optimizer.apply_gradients([(tf.constant(8.0), weight)])
    >>> round(float(weight), 3)
    0.75
    """

    learned: ClassVar[type[InnerOptimizer]] = LearnedAdam
    _update = staticmethod(adam_update)

    def __init__(
        self,
        learning_rates: Values,
        betas_1: Values,
        betas_2: Values,
        epsilon: float = EPSILON,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        others = {"betas_1": betas_1, "betas_2": betas_2}
        super().__init__(learning_rates, others, name or type(self).__name__, **kwargs)
        self.epsilon = epsilon

    def _new_state(self, variable: tf.Variable) -> list[tf.Variable]:
        moments = [
            self.add_variable_from_reference(variable, name)
            for name in ("first_moment", "second_moment")
        ]
        ones = [
            self.add_variable([], variable.dtype, name=name)
            for name in ("first_moment_of_ones", "second_moment_of_ones")
        ]
        return [*moments, *ones]


@tf.keras.utils.register_keras_serializable("gtn_tf")
class CurriculumLAMB(CurriculumAdam):
    """LAMB with hyperparameters for each step, the update of `gtn_tf.LearnedLAMB`.

    Args:
        learning_rates: One for each step, repeated after the last.
        betas_1: Likewise.
        betas_2: Likewise.
        epsilon: Added inside and outside the root.
        name: Name of the optimizer; that of the class by default.
        **kwargs: Passed to `tf.keras.optimizers.Optimizer`.

    Raises:
        ValueError: If there is not one value of each for each step.

    Example:

    >>> kernel = tf.Variable([[3.0, 4.0]])
    >>> optimizer = CurriculumLAMB([0.5], [0.9], [0.9], epsilon=1e-9)
    >>> _ = optimizer.apply_gradients([(tf.constant([[7.0, 0.0]]), kernel)])
    >>> kernel.numpy().round(3).tolist()
    [[0.5, 4.0]]
    """

    learned: ClassVar[type[InnerOptimizer]] = LearnedLAMB

    def updated(
        self,
        weights: tf.Tensor,
        state: OptimizerState,
        gradient: tf.Tensor,
        values: Mapping[str, tf.Tensor],
        tensors: GetTensors,
    ) -> tuple[tf.Tensor, OptimizerState]:
        return lamb_update(weights, state, gradient, values, tensors, self.epsilon)


@tf.keras.utils.register_keras_serializable("gtn_tf")
class CurriculumRMSProp(CurriculumOptimizer):
    """RMSProp with hyperparameters for each step, as `gtn_tf.LearnedRMSProp`.

    Args:
        learning_rates: One for each step, repeated after the last.
        rhos: Likewise.
        epsilon: Added inside and outside the root.
        name: Name of the optimizer.
        **kwargs: Passed to `tf.keras.optimizers.Optimizer`.

    Raises:
        ValueError: If there is not one value of each for each step.

    Example:

    >>> weight = tf.Variable(1.0)
    >>> optimizer = CurriculumRMSProp([0.25], [0.75], epsilon=1e-9)
    >>> _ = optimizer.apply_gradients([(tf.constant(8.0), weight)])
    >>> round(float(weight), 3)
    0.5
    """

    learned = LearnedRMSProp
    _update = staticmethod(rmsprop_update)

    def __init__(
        self,
        learning_rates: Values,
        rhos: Values,
        epsilon: float = EPSILON,
        name: str = "CurriculumRMSProp",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rates, {"rhos": rhos}, name, **kwargs)
        self.epsilon = epsilon

    def _new_state(self, variable: tf.Variable) -> list[tf.Variable]:
        return [self.add_variable_from_reference(variable, "mean_square")]
