"""The inner loop without gradients through it."""

from __future__ import annotations

import tensorflow as tf

from gtn_tf.inner.state import InnerInputs, InnerLoop, LearnerState
from gtn_tf.inner.step import inner_step


def train(loop: InnerLoop, state: LearnerState, inputs: InnerInputs) -> LearnerState:
    """Trains a learner on all batches in order.

    Args:
        loop: The inner loop.
        state: Of a fresh learner.
        inputs: Batches and hyperparameters of `steps` steps.

    Returns:
        The state after the last step.
    """
    steps = inputs.labels.shape[0] or tf.shape(inputs.labels)[0]

    def body(t: tf.Tensor, state: LearnerState) -> tuple[tf.Tensor, LearnerState]:
        return t + 1, inner_step(loop, state, inputs.at(t))

    _, state = tf.while_loop(
        lambda t, _: t < steps, body, (0, state), maximum_iterations=steps
    )
    return state
