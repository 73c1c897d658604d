"""The unroll that stores all activations: the fastest if they fit in memory."""

from __future__ import annotations

import tensorflow as tf

from gtn_tf.inner.state import InnerInputs, InnerLoop, LearnerState, Real
from gtn_tf.inner.step import inner_step, meta_loss


def unroll(
    loop: InnerLoop,
    state: LearnerState,
    inputs: InnerInputs,
    real: Real,
    intermediate_every: int,
) -> tuple[LearnerState, tf.Tensor]:
    """An `Unroll` whose step and derivative are traced once.

    Every step calls them, so that tracing time does not grow with the steps.
    """

    @tf.function(autograph=False, experimental_attributes={"_noinline": True})
    def step(state: LearnerState, inputs: InnerInputs) -> LearnerState:
        return inner_step(loop, state, inputs)

    total = tf.zeros([], inputs.images.dtype)
    by_step = zip(*map(tf.unstack, tf.nest.flatten(inputs)))
    for t, one in enumerate(by_step):
        if intermediate_every and t and t % intermediate_every == 0:
            total += meta_loss(loop, state, real)[0]
        state = step(state, tf.nest.pack_sequence_as(inputs, one))
    return state, total
