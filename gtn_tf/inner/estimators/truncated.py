"""The truncated meta-gradient."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from gtn_tf.estimator_settings import TruncatedSettings
from gtn_tf.inner.estimators.base import Estimator, MetaGradient, differentiate
from gtn_tf.inner.state import InnerInputs, InnerLoop, LearnerState, Real
from gtn_tf.inner.unrolls import Unroll


@tf.keras.utils.register_keras_serializable("gtn_tf")
@dataclasses.dataclass(frozen=True)
class TruncatedUnroll(TruncatedSettings, Estimator):
    """Windows of inner steps, each with a meta-loss at its end.

    Training continues from window to window; gradients stop at their boundaries.

    Args:
        window: Inner steps of a window, a divisor of the teacher's.
        intermediate_every: Inner steps between intermediate meta-losses within a
            window, which are added to its last one; 0 for none.

    Example:

    >>> TruncatedUnroll(window=4).window_of(steps=12)
    4
    """

    def window_of(self, steps: int) -> int:
        return self.window

    def estimate(
        self,
        unroll: Unroll,
        loop: InnerLoop,
        state: LearnerState,
        inputs: InnerInputs,
        real: Real,
    ) -> MetaGradient:
        # A loop, so that only one window is in memory at a time.
        windows = inputs.labels.shape[0] // self.window
        split = tf.nest.map_structure(
            lambda one: tf.reshape(one, [windows, self.window, *one.shape[1:]]), inputs
        )
        dtype = inputs.images.dtype
        gradients = tf.nest.map_structure(lambda one: one.dtype, inputs.differentiable)
        like = MetaGradient(dtype, dtype, gradients)
        arrays = [tf.TensorArray(one, windows) for one in tf.nest.flatten(like)]

        def body(
            i: tf.Tensor, state: LearnerState, arrays: list[tf.TensorArray]
        ) -> tuple[tf.Tensor, LearnerState, list[tf.TensorArray]]:
            state, found = differentiate(
                unroll, loop, state, split.at(i), real, self.intermediate_every
            )
            pairs = zip(arrays, tf.nest.flatten(found))
            return i + 1, state, [array.write(i, one) for array, one in pairs]

        _, _, arrays = tf.while_loop(
            lambda i, *_: i < windows,
            body,
            (0, state, arrays),
            maximum_iterations=windows,
        )
        stacked = [array.stack() for array in arrays]
        found = tf.nest.pack_sequence_as(like, stacked)
        joined = tf.nest.map_structure(
            lambda one: tf.reshape(one, [-1, *one.shape[2:]]), found.gradients
        )
        return MetaGradient(found.meta_loss[-1], found.logits[-1], joined)
