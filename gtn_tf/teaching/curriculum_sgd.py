"""The learned rates as an optimizer for any Keras model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.inner.optimizers.sgd import LearnedSGD
from gtn_tf.teaching.one_replica import OneReplica


class PerStep(tf.keras.optimizers.schedules.LearningRateSchedule):
    """A value for each step; after the last comes the first again.

    Args:
        values: One for each step.

    Example:

    >>> schedule = PerStep([0.5, 0.25])
    >>> [float(schedule(step)) for step in range(3)]
    [0.5, 0.25, 0.5]
    """

    def __init__(self, values: Sequence[float] | np.ndarray) -> None:
        self.values = [float(value) for value in values]

    def __call__(self, step: Any) -> tf.Tensor:
        values = tf.constant(self.values)
        return values[tf.cast(step, tf.int32) % len(self.values)]

    def get_config(self) -> dict[str, Any]:
        return {"values": self.values}


@tf.keras.utils.register_keras_serializable("gtn_tf")
class CurriculumSGD(OneReplica, tf.keras.optimizers.Optimizer):
    """SGD with heavy-ball momentum, both rates as a teacher has learned them.

    `v = momentum[t] * v + gradient; w = w - learning_rate[t] * v`, the inner loop's
    update (paper, section 3.1). `tf.keras.optimizers.SGD` keeps `-learning_rate * v`
    instead, which is another update as soon as the rate changes.

    Args:
        learning_rates: One for each step. After the last step comes the first again.
        momenta: Likewise.
        name: Of the optimizer.
        **kwargs: Passed to `tf.keras.optimizers.Optimizer`, such as `weight_decay`
            or `clipnorm`.

    Raises:
        ValueError: If there is not one momentum for each learning rate.

    Example:

    >>> weight = tf.Variable(1.0)
    >>> optimizer = CurriculumSGD([0.25, 0.5], [0.5, 0.5])
    >>> _ = optimizer.apply_gradients([(tf.constant(2.0), weight)])  # v = 2
    >>> _ = optimizer.apply_gradients([(tf.constant(0.0), weight)])  # v = 1
    >>> float(weight)
    0.0
    """

    kind = LearnedSGD.kind

    def __init__(
        self,
        learning_rates: Sequence[float] | np.ndarray,
        momenta: Sequence[float] | np.ndarray,
        name: str = "CurriculumSGD",
        **kwargs: Any,
    ) -> None:
        if len(learning_rates) != len(momenta) or not len(momenta):
            raise ArgumentError(
                "expected one momentum for each learning rate, received "
                f"{len(learning_rates)} learning rates and {len(momenta)} momenta"
            )
        super().__init__(name, **kwargs)
        self._learning_rate = self._build_learning_rate(PerStep(learning_rates))
        self.momentum = PerStep(momenta)

    def build(self, var_list: Sequence[tf.Variable]) -> None:
        """Makes a velocity for each variable; Keras calls it."""
        super().build(var_list)
        if getattr(self, "_built", False):
            return
        self.velocities = [
            self.add_variable_from_reference(variable, "velocity")
            for variable in var_list
        ]
        self._built = True

    def update_step(self, gradient: Any, variable: tf.Variable) -> None:
        """Updates one variable; Keras calls it."""
        velocity = self.velocities[self._index_dict[self._var_key(variable)]]
        momentum = tf.cast(self.momentum(self.iterations), variable.dtype)
        learning_rate = tf.cast(self.learning_rate, variable.dtype)
        # An embedding's gradient is sparse; its velocity is not.
        velocity.assign(momentum * velocity + tf.convert_to_tensor(gradient))
        variable.assign_sub(learning_rate * velocity)

    def get_config(self) -> dict[str, Any]:
        config = {
            "learning_rates": self._learning_rate.values,
            "momenta": self.momentum.values,
        }
        return {**super().get_config(), **config}
