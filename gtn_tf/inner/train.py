"""The inner loop alone, when nothing is to be differentiated through it."""

from __future__ import annotations

import tensorflow as tf

from gtn_tf.functional import PureModel
from gtn_tf.inner.step import LearnerState, Lessons, Loss, inner_step


def train(
    learner: PureModel, loss: Loss, state: LearnerState, lessons: Lessons
) -> LearnerState:
    """Trains a learner on all its lessons in order.

    Args:
        learner: The network.
        loss: The learner's loss on a batch.
        state: Of a fresh learner.
        lessons: `steps` batches with their rates.

    Returns:
        The state after the last step.
    """
    steps = lessons.labels.shape[0] or tf.shape(lessons.labels)[0]

    def body(t: tf.Tensor, state: LearnerState) -> tuple[tf.Tensor, LearnerState]:
        return t + 1, inner_step(learner, loss, state, *(one[t] for one in lessons))

    _, state = tf.while_loop(
        lambda t, _: t < steps, body, (0, state), maximum_iterations=steps
    )
    return state
