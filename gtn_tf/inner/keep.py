"""The unroll that keeps all activations: the fastest, while they fit in memory."""

from __future__ import annotations

import tensorflow as tf

from gtn_tf.functional import PureModel
from gtn_tf.inner.step import LearnerState, Lessons, Loss, inner_step, judge


def unroll(
    learner: PureModel,
    loss: Loss,
    state: LearnerState,
    lessons: Lessons,
    real: tuple[tf.Tensor, tf.Tensor],
    intermediate_every: int,
) -> tuple[LearnerState, tf.Tensor]:
    """As `nested_tapes.unroll`; arguments and results are the same.

    But the step and its derivative are traced once, as functions that every step
    calls, so that tracing takes no longer for more steps.
    """

    @tf.function(autograph=False, experimental_attributes={"_noinline": True})
    def step(state: LearnerState, *lesson: tf.Tensor) -> LearnerState:
        return inner_step(learner, loss, state, *lesson)

    images, labels = real
    total = tf.zeros([], lessons.images.dtype)
    for t, lesson in enumerate(zip(*map(tf.unstack, lessons))):
        if intermediate_every and t and t % intermediate_every == 0:
            total += loss(labels, judge(learner, state, images))
        state = step(state, *lesson)
    return state, total
