"""The unroll that keeps all activations: the fastest, while they fit in memory."""

from __future__ import annotations

import tensorflow as tf

from gtn_tf.functional import PureModel
from gtn_tf.inner.step import (
    LearnerState,
    Lessons,
    Loss,
    Real,
    inner_step,
    meta_loss,
)


def unroll(
    learner: PureModel,
    loss: Loss,
    state: LearnerState,
    lessons: Lessons,
    real: Real,
    intermediate_every: int,
) -> tuple[LearnerState, tf.Tensor]:
    """As `nested_tapes.unroll`; arguments and results are the same.

    But the step and its derivative are traced once, as functions that every step
    calls, so that tracing takes no longer for more steps.
    """

    @tf.function(autograph=False, experimental_attributes={"_noinline": True})
    def step(state: LearnerState, *lesson: tf.Tensor) -> LearnerState:
        return inner_step(learner, loss, state, *lesson)

    total = tf.zeros([], lessons.images.dtype)
    for t, lesson in enumerate(zip(*map(tf.unstack, lessons))):
        if intermediate_every and t and t % intermediate_every == 0:
            total += meta_loss(learner, loss, state, real)[0]
        state = step(state, *lesson)
    return state, total
