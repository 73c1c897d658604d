"""The unroll as in the paper: readable, and the reference in tests."""

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
    """An `Unroll` in which the tape around the call records every step.

    Each step adds all its activations to memory.
    """
    total = tf.zeros([], inputs.images.dtype)
    for t in range(inputs.images.shape[0]):
        if intermediate_every and t and t % intermediate_every == 0:
            total += meta_loss(loop, state, real)[0]
        state = inner_step(loop, state, inputs.at(t))
    return state, total
