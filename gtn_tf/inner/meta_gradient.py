"""The meta-gradient: how a learner's end depends on all that it was taught."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from gtn_tf.functional import PureModel
from gtn_tf.inner.step import LearnerState, Lessons, Loss, Real, Unroll, meta_loss


class MetaGradient(NamedTuple):
    """One learner's verdict on its teacher."""

    meta_loss: tf.Tensor  # of the last state
    logits: tf.Tensor  # of the last state, [n, num_classes]
    of_images: tf.Tensor  # [steps, batch, h, w, c]
    of_learning_rates: tf.Tensor  # [steps]
    of_momenta: tf.Tensor  # [steps]


def meta_gradient(
    unroll: Unroll,
    learner: PureModel,
    loss: Loss,
    state: LearnerState,
    lessons: Lessons,
    real: Real,
    intermediate_every: int = 0,
    truncate_every: int = 0,
) -> MetaGradient:
    """Teaches a learner and differentiates its meta-losses by the lessons.

    Args:
        unroll: One of `UNROLLS`.
        learner: The network.
        loss: The learner's loss on a batch, and the meta-loss.
        state: Of a fresh learner.
        lessons: `steps` batches with their rates.
        real: Images, labels and perhaps weights of the meta-loss.
        intermediate_every: Inner steps between intermediate meta-losses, which are
            added to the last; 0 for none.
        truncate_every: Inner steps that the gradient goes back through, a divisor
            of `steps`; 0 for all. The unroll is then a sequence of shorter ones,
            each with a meta-loss at its end.

    Returns:
        The last meta-loss with its logits, and the gradient.
    """

    def of_part(
        state: LearnerState, lessons: Lessons
    ) -> tuple[LearnerState, MetaGradient]:
        inputs = [lessons.images, lessons.learning_rates, lessons.momenta]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            state, intermediate = unroll(
                learner, loss, state, lessons, real, intermediate_every
            )
            last, logits = meta_loss(learner, loss, state, real)
            objective = last + intermediate
        found = tape.gradient(objective, inputs)
        return state, MetaGradient(last, logits, *found)

    if not truncate_every:
        return of_part(state, lessons)[1]
    return _part_by_part(of_part, state, lessons, truncate_every)


def _part_by_part(
    of_part: Callable[[LearnerState, Lessons], tuple[LearnerState, MetaGradient]],
    state: LearnerState,
    lessons: Lessons,
    length: int,
) -> MetaGradient:
    """Runs the parts one after the other, so that one part is kept at a time."""
    steps = lessons.labels.shape[0]
    parts = steps // length
    split = Lessons(
        *(tf.reshape(one, [parts, length, *one.shape[1:]]) for one in lessons)
    )
    dtype = lessons.images.dtype
    found = [tf.TensorArray(dtype, parts) for _ in MetaGradient._fields]

    def body(
        i: tf.Tensor, state: LearnerState, found: list[tf.TensorArray]
    ) -> tuple[tf.Tensor, LearnerState, list[tf.TensorArray]]:
        state, one = of_part(state, Lessons(*(part[i] for part in split)))
        return i + 1, state, [array.write(i, x) for array, x in zip(found, one)]

    _, _, found = tf.while_loop(
        lambda i, *_: i < parts, body, (0, state, found), maximum_iterations=parts
    )
    meta_losses, logits, *of_lessons = (array.stack() for array in found)
    joined = [tf.reshape(one, [steps, *one.shape[2:]]) for one in of_lessons]
    return MetaGradient(meta_losses[-1], logits[-1], *joined)
