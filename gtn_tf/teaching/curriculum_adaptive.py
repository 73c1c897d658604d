"""Learned Adam and RMSProp as optimizers for any Keras model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.inner.optimizers.adam import LearnedAdam, adam_update
from gtn_tf.inner.optimizers.base import EPSILON
from gtn_tf.inner.optimizers.rmsprop import LearnedRMSProp, rmsprop_update
from gtn_tf.teaching.curriculum_sgd import PerStep
from gtn_tf.teaching.one_replica import OneReplica


class _Adaptive(OneReplica, tf.keras.optimizers.Optimizer):
    """What both have in common: hyperparameters for each step, and a state."""

    def __init__(
        self,
        learning_rates: Sequence[float],
        others: dict[str, Sequence[float]],
        epsilon: float,
        name: str,
        **kwargs: Any,
    ) -> None:
        lengths = {key: len(values) for key, values in others.items()}
        if not len(learning_rates) or set(lengths.values()) != {len(learning_rates)}:
            raise ArgumentError(
                "expected a value of each hyperparameter for each step, received "
                f"{len(learning_rates)} learning rates beside {lengths}"
            )
        super().__init__(name, **kwargs)
        self._learning_rate = self._build_learning_rate(PerStep(learning_rates))
        self._schedules = {key: PerStep(values) for key, values in others.items()}
        self.epsilon = epsilon

    def build(self, var_list: Sequence[tf.Variable]) -> None:
        """Makes the state of each variable; Keras calls it."""
        super().build(var_list)
        if getattr(self, "_built", False):
            return
        self.states = [self._new_state(variable) for variable in var_list]
        self._built = True

    def _new_state(self, variable: tf.Variable) -> list[tf.Variable]:
        raise NotImplementedError

    def update_step(self, gradient: Any, variable: tf.Variable) -> None:
        """Updates one variable; Keras calls it."""
        state = self.states[self._index_dict[self._var_key(variable)]]
        values = {
            key: tf.cast(schedule(self.iterations), variable.dtype)
            for key, schedule in self._schedules.items()
        }
        values["learning_rates"] = tf.cast(self.learning_rate, variable.dtype)
        # An embedding's gradient is sparse; its moments are not.
        gradient = tf.convert_to_tensor(gradient)
        before = tuple(map(tf.convert_to_tensor, state))
        weights, after = self._update(variable, before, gradient, values, self.epsilon)
        for one, value in zip([variable, *state], [weights, *after]):
            one.assign(value)

    def get_config(self) -> dict[str, Any]:
        config = {
            "learning_rates": self._learning_rate.values,
            **{key: schedule.values for key, schedule in self._schedules.items()},
            "epsilon": self.epsilon,
        }
        return {**super().get_config(), **config}


@tf.keras.utils.register_keras_serializable("gtn_tf")
class CurriculumAdam(_Adaptive):
    """Adam with hyperparameters for each step, the update of `gtn_tf.LearnedAdam`.

    Args:
        learning_rates: One for each step. After the last step comes the first again.
        betas_1: Likewise.
        betas_2: Likewise.
        epsilon: Added inside and outside of the root.
        name: Of the optimizer.
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

    kind = LearnedAdam.kind
    _update = staticmethod(adam_update)

    def __init__(
        self,
        learning_rates: Sequence[float],
        betas_1: Sequence[float],
        betas_2: Sequence[float],
        epsilon: float = EPSILON,
        name: str = "CurriculumAdam",
        **kwargs: Any,
    ) -> None:
        others = {"betas_1": betas_1, "betas_2": betas_2}
        super().__init__(learning_rates, others, epsilon, name, **kwargs)

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
class CurriculumRMSProp(_Adaptive):
    """RMSProp with hyperparameters for each step, as `gtn_tf.LearnedRMSProp`.

    Args:
        learning_rates: One for each step. After the last step comes the first again.
        rhos: Likewise.
        epsilon: Added inside and outside of the root.
        name: Of the optimizer.
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

    kind = LearnedRMSProp.kind
    _update = staticmethod(rmsprop_update)

    def __init__(
        self,
        learning_rates: Sequence[float],
        rhos: Sequence[float],
        epsilon: float = EPSILON,
        name: str = "CurriculumRMSProp",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rates, {"rhos": rhos}, epsilon, name, **kwargs)

    def _new_state(self, variable: tf.Variable) -> list[tf.Variable]:
        return [self.add_variable_from_reference(variable, "mean_square")]
