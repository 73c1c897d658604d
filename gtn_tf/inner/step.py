"""One inner step: everything a learner is, before and after one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from gtn_tf.functional import PureModel
from gtn_tf.inner.learned_sgd import update

Loss = Callable[..., tf.Tensor]  # (labels, logits[, weights]) -> scalar
# Images `[n, h, w, c]`, labels `[n]` and, if they count unequally, weights `[n]`.
Real = tuple[tf.Tensor, ...]


class LearnerState(NamedTuple):
    """All that changes while a learner learns."""

    weights: tf.Tensor  # [size], packed by `PureModel.pack`
    velocity: tf.Tensor  # [size]
    statistics: list[tf.Tensor]  # running statistics of its batch norms


class Lessons(NamedTuple):
    """All that an unroll may be differentiated by: what is taught, and how fast."""

    images: tf.Tensor  # [steps, batch, h, w, c]
    labels: tf.Tensor  # [steps, batch]
    learning_rates: tf.Tensor  # [steps]
    momenta: tf.Tensor  # [steps]


# (learner, loss, first state, lessons, real batch, intermediate_every) -> the last
# state and the sum of the intermediate meta-losses.
Unroll = Callable[..., tuple[LearnerState, tf.Tensor]]


def start(learner: PureModel, weights: Sequence[tf.Tensor]) -> LearnerState:
    """The state of a fresh learner: given weights, at rest, no batch seen yet."""
    packed = learner.pack(weights)
    return LearnerState(
        weights=packed,
        velocity=tf.zeros_like(packed),
        statistics=[tf.convert_to_tensor(v) for v in learner.running],
    )


def judge(learner: PureModel, state: LearnerState, images: tf.Tensor) -> tf.Tensor:
    """The logits `[batch, num_classes]` of a learner in evaluation mode."""
    weights = learner.unpack(state.weights)
    logits, _ = learner(weights, state.statistics, images, training=False)
    return logits


def meta_loss(
    learner: PureModel, loss: Loss, state: LearnerState, real: Real
) -> tuple[tf.Tensor, tf.Tensor]:
    """The loss of a learner on real data, a scalar, and its logits there."""
    images, labels, *weights = real
    logits = judge(learner, state, images)
    return loss(labels, logits, *weights), logits


def inner_gradient(
    learner: PureModel,
    loss: Loss,
    weights: tf.Tensor,
    statistics: Sequence[tf.Tensor],
    images: tf.Tensor,
    labels: tf.Tensor,
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """The gradient that an inner step follows; differentiable once more.

    Args:
        learner: The network.
        loss: The learner's loss on a batch.
        weights: `[size]`.
        statistics: Running statistics before the step.
        images: `[batch, h, w, c]`.
        labels: `[batch]`.

    Returns:
        The gradient `[size]` and the running statistics after the step.
    """
    with tf.GradientTape() as tape:
        tape.watch(weights)
        logits, statistics = learner(
            learner.unpack(weights), statistics, images, training=True
        )
        value = loss(labels, logits)
    gradient = tape.gradient(
        value, weights, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
    return gradient, statistics


def inner_step(
    learner: PureModel,
    loss: Loss,
    state: LearnerState,
    images: tf.Tensor,
    labels: tf.Tensor,
    learning_rate: tf.Tensor,
    momentum: tf.Tensor,
) -> LearnerState:
    """Takes one SGD step; differentiable once more, with respect to every argument.

    Args:
        learner: The network.
        loss: The learner's loss on a batch.
        state: Before the step.
        images: `[batch, h, w, c]`.
        labels: `[batch]`.
        learning_rate: Scalar.
        momentum: Scalar.

    Returns:
        The state after the step.
    """
    gradient, statistics = inner_gradient(
        learner, loss, state.weights, state.statistics, images, labels
    )
    weights, velocity = update(
        state.weights, state.velocity, gradient, learning_rate, momentum
    )
    return LearnerState(weights, velocity, statistics)
