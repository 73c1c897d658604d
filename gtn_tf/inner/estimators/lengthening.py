"""The exact meta-gradient of an inner loop that grows during meta-training."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from gtn_tf.estimator_settings import LengtheningSettings
from gtn_tf.inner.estimators.base import Estimator
from gtn_tf.inner.state import InnerInputs


@tf.keras.utils.register_keras_serializable("gtn_tf")
@dataclasses.dataclass(frozen=True)
class LengtheningUnroll(LengtheningSettings, Estimator):
    """A full unroll that starts with few inner steps and adds more over time.

    Args:
        initial_steps: Inner steps of the first meta-iteration.
        lengthen_every: Meta-iterations after which an inner step is added, up to the
            teacher's.
        intermediate_every: Inner steps between intermediate meta-losses, which are
            added to the last one; 0 for none.

    Example:

    >>> estimator = LengtheningUnroll(initial_steps=8, lengthen_every=5)
    >>> [int(estimator.steps_at(i, steps=12)) for i in (0, 5, 100)]
    [8, 9, 12]
    """

    def steps_at(self, iteration: tf.Tensor, steps: int) -> tf.Tensor:
        """The inner steps of a meta-iteration.

        Args:
            iteration: Integer scalar, counted from 0.
            steps: The teacher's.

        Returns:
            int32 scalar.
        """
        grown = self.initial_steps + iteration // self.lengthen_every
        return tf.cast(tf.minimum(grown, steps), tf.int32)

    def inputs_at(self, iteration: tf.Tensor, inputs: InnerInputs) -> InnerInputs:
        steps = self.steps_at(iteration, inputs.labels.shape[0])
        return inputs.at(slice(steps))
