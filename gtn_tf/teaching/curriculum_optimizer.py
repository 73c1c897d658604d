"""Optimizers for any Keras model with the hyperparameters that a teacher learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Union

import numpy as np
import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.inner.optimizers.base import InnerOptimizer, OptimizerState
from gtn_tf.teaching.one_replica import OneReplica
from gtn_tf.weight_tensors import GetTensors, OneTensor

Values = Union[Sequence[float], np.ndarray]


class PerStep(tf.keras.optimizers.schedules.LearningRateSchedule):
    """A value for each step, repeated after the last.

    Args:
        values: One for each step.

    Example:

    >>> schedule = PerStep([0.5, 0.25])
    >>> [float(schedule(step)) for step in range(3)]
    [0.5, 0.25, 0.5]
    """

    def __init__(self, values: Values) -> None:
        self.values = [float(value) for value in values]

    def __call__(self, step: Any) -> tf.Tensor:
        values = tf.constant(self.values)
        return values[tf.cast(step, tf.int32) % len(self.values)]

    def get_config(self) -> dict[str, Any]:
        return {"values": self.values}


class CurriculumOptimizer(OneReplica, tf.keras.optimizers.Optimizer):
    """An inner optimizer's update, with hyperparameters for each step.

    A subclass defines `learned`, `_update` and `_new_state`, and has the attributes
    that `learned.settings` names.

    Args:
        learning_rates: One for each step, repeated after the last.
        others: The other hyperparameters by name, likewise.
        name: Name of the optimizer.
        **kwargs: Passed to `tf.keras.optimizers.Optimizer`.

    Raises:
        ValueError: If there is not one value of each for each step.
    """

    learned: ClassVar[type[InnerOptimizer]]
    # A pure function of weights, state, gradient, hyperparameters and settings.
    _update: ClassVar[Callable[..., tuple[tf.Tensor, OptimizerState]]]

    def __init__(
        self,
        learning_rates: Values,
        others: Mapping[str, Values],
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
        # An embedding's gradient is sparse; the state is not.
        gradient = tf.convert_to_tensor(gradient)
        before = tuple(map(tf.convert_to_tensor, state))
        weights, after = self.updated(
            variable, before, gradient, values, lambda: OneTensor(variable.shape.rank)
        )
        for one, value in zip([variable, *state], [weights, *after]):
            one.assign(value)

    def updated(
        self,
        weights: tf.Tensor,
        state: OptimizerState,
        gradient: tf.Tensor,
        values: Mapping[str, tf.Tensor],
        tensors: GetTensors,
    ) -> tuple[tf.Tensor, OptimizerState]:
        """One step as a pure function, without clipping.

        Args:
            weights: Of any shape.
            state: Zeros at first.
            gradient: Of the loss.
            values: Of the hyperparameters, scalars.
            tensors: Gives what the weights are made of.

        Returns:
            The new weights and the new state.
        """
        return self._update(weights, state, gradient, values, **self._settings())

    def _settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.learned.settings}

    def get_config(self) -> dict[str, Any]:
        config = {
            "learning_rates": self._learning_rate.values,
            **{key: schedule.values for key, schedule in self._schedules.items()},
            **self._settings(),
        }
        return {**super().get_config(), **config}
