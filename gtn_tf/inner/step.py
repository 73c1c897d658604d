"""One inner step, and the meta-loss of a learner."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from gtn_tf.functional import PureNetwork
from gtn_tf.inner.state import InnerInputs, InnerLoop, LearnerState, Real


def logits_of(
    learner: PureNetwork, state: LearnerState, images: tf.Tensor
) -> tf.Tensor:
    """The logits `[batch, num_classes]` of a learner in evaluation mode."""
    weights = learner.unpack(state.weights)
    logits, _ = learner(weights, state.statistics, images, training=False)
    return logits


def meta_loss(
    loop: InnerLoop, state: LearnerState, real: Real
) -> tuple[tf.Tensor, tf.Tensor]:
    """The loss of a learner on real data, a scalar, and its logits."""
    images, labels, *weights = real
    logits = logits_of(loop.learner, state, images)
    return loop.loss(labels, logits, *weights), logits


def inner_gradient(
    loop: InnerLoop,
    weights: tf.Tensor,
    statistics: Sequence[tf.Tensor],
    images: tf.Tensor,
    labels: tf.Tensor,
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """The gradient of the loss on a batch; differentiable again.

    Args:
        loop: The inner loop.
        weights: `[size]`.
        statistics: Moving statistics before the step.
        images: `[batch, h, w, c]`.
        labels: `[batch]`.

    Returns:
        The gradient `[size]` and the moving statistics after the step.
    """
    with tf.GradientTape() as tape:
        tape.watch(weights)
        logits, statistics = loop.learner(
            loop.learner.unpack(weights), statistics, images, training=True
        )
        value = loop.loss(labels, logits)
    gradient = tape.gradient(
        value, weights, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
    return gradient, statistics


def inner_step(
    loop: InnerLoop, state: LearnerState, inputs: InnerInputs
) -> LearnerState:
    """Takes one step; differentiable with respect to state and inputs.

    Args:
        loop: The inner loop.
        state: Before the step.
        inputs: Of this step: images `[batch, h, w, c]`, labels `[batch]`, scalars.

    Returns:
        The state after the step.
    """
    gradient, statistics = inner_gradient(
        loop, state.weights, state.statistics, inputs.images, inputs.labels
    )
    weights, optimizer_state = loop.optimizer.update(
        state.weights,
        state.optimizer_state,
        gradient,
        inputs.hyperparameters,
        loop.learner.tensors,
    )
    return LearnerState(weights, optimizer_state, statistics)
