"""The unroll as the paper writes it, for reading and as the reference in tests."""

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
    """Trains a learner; a tape around the call records every step.

    Memory grows with the steps by all activations.

    Args:
        learner: The network.
        loss: The learner's loss on a batch, and the meta-loss.
        state: Of a fresh learner.
        lessons: `steps` batches with their rates.
        real: Images, labels and perhaps weights of the meta-loss.
        intermediate_every: Inner steps between intermediate meta-losses; 0 for none.

    Returns:
        The state after the last step and the sum of the intermediate meta-losses.
    """
    total = tf.zeros([], lessons.images.dtype)
    for t in range(lessons.images.shape[0]):
        if intermediate_every and t and t % intermediate_every == 0:
            total += meta_loss(learner, loss, state, real)[0]
        state = inner_step(learner, loss, state, *(one[t] for one in lessons))
    return state, total
