"""The learned rates as an optimizer for any Keras model."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from gtn_tf.inner.optimizers.sgd import LearnedSGD, sgd_update
from gtn_tf.teaching.curriculum_optimizer import CurriculumOptimizer, Values


@tf.keras.utils.register_keras_serializable("gtn_tf")
class CurriculumSGD(CurriculumOptimizer):
    """SGD with heavy-ball momentum and the rates that a teacher learned.

    `v = momentum[t] * v + gradient; w = w - learning_rate[t] * v`, the inner loop's
    update (paper, section 3.1). `tf.keras.optimizers.SGD` keeps `-learning_rate * v`
    instead, a different update once the rate changes.

    Args:
        learning_rates: One for each step, repeated after the last.
        momenta: Likewise.
        name: Name of the optimizer.
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

    learned = LearnedSGD
    _update = staticmethod(sgd_update)

    def __init__(
        self,
        learning_rates: Values,
        momenta: Values,
        name: str = "CurriculumSGD",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rates, {"momenta": momenta}, name, **kwargs)

    def _new_state(self, variable: tf.Variable) -> list[tf.Variable]:
        return [self.add_variable_from_reference(variable, "velocity")]
