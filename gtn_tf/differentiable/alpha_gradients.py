"""The gradient of the validation loss by the alphas: exact, or with less work.

Each function takes the loss as a function of weights, alphas and a batch, and what a
step of the weights is. DARTS wants the alphas of the best validation loss *after* the
weights have been trained with them, and takes one step for the training.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Loss = Callable[[tf.Tensor, tf.Tensor, Any], tf.Tensor]  # (weights, alphas, batch)
Move = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # (weights, gradient) -> weights
Found = tuple[tf.Tensor, tf.Tensor]

_LENGTH = 0.01  # of the step to each side, as in the code of DARTS' authors


def first_order(
    loss: Loss,
    move: Move,
    weights: tf.Tensor,
    alphas: tf.Tensor,
    training: Any,
    validation: Any,
) -> Found:
    """Takes the weights as they are, as if no step depended on the alphas.

    Args:
        loss: Of weights and alphas on a batch.
        move: The weights' next step, given their gradient. It is not taken here.
        weights: A vector.
        alphas: Of any shape.
        training: Batch that the weights' step is for.
        validation: Batch whose loss the alphas are for.

    Returns:
        The validation loss, and its gradient by the alphas.
    """
    with tf.GradientTape() as tape:
        tape.watch(alphas)
        found = loss(weights, alphas, validation)
    return found, _gradient(tape, found, alphas)


def second_order(
    loss: Loss,
    move: Move,
    weights: tf.Tensor,
    alphas: tf.Tensor,
    training: Any,
    validation: Any,
) -> Found:
    """Differentiates through the step of the weights, exactly.

    Args:
        loss: As for `first_order`, and so are the others; here, twice differentiable.
        move: Likewise.
        weights: Likewise.
        alphas: Likewise.
        training: Likewise.
        validation: Likewise.

    Returns:
        The validation loss after the step, and its gradient by the alphas.

    Example:

    Weights that a step moves halfway to the alpha, from 0 to 1:

    >>> def loss(weights, alphas, target):
    ...     return tf.reduce_sum((weights - alphas * target) ** 2) / 2
    >>> move = lambda weights, gradient: weights - 0.5 * gradient
    >>> given = tf.zeros([1]), tf.constant([2.0]), tf.constant(1.0), tf.constant(0.0)
    >>> value, gradient = second_order(loss, move, *given)
    >>> float(value), gradient.numpy().tolist()
    (0.5, [0.5])
    """
    with tf.GradientTape() as outer:
        outer.watch(alphas)
        with tf.GradientTape() as inner:
            inner.watch(weights)
            before = loss(weights, alphas, training)
        after = move(weights, inner.gradient(before, weights))
        found = loss(after, alphas, validation)
    return found, _gradient(outer, found, alphas)


def finite_difference(
    loss: Loss,
    move: Move,
    weights: tf.Tensor,
    alphas: tf.Tensor,
    training: Any,
    validation: Any,
    length: float = _LENGTH,
) -> Found:
    """The published approximation of `second_order`, without second derivatives.

    How the training gradient changes with the alphas, in the direction of interest, is
    the difference of two gradients by the alphas: of weights a little to both sides.

    Args:
        loss: As for `first_order`, and so are the others.
        move: Likewise.
        weights: Likewise.
        alphas: Likewise.
        training: Likewise.
        validation: Likewise.
        length: Distance of the weights to each side.

    Returns:
        As `second_order`.
    """
    with tf.GradientTape() as tape:
        tape.watch(weights)
        before = loss(weights, alphas, training)
    gradient = tape.gradient(before, weights)
    with tf.GradientTape() as tape:
        tape.watch([alphas, gradient])
        found = loss(move(weights, gradient), alphas, validation)
    direct, direction = _gradient(tape, found, [alphas, gradient])
    # A direction of nothing has no differences.
    distance = tf.math.divide_no_nan(tf.cast(length, weights.dtype), tf.norm(direction))

    def at(side: tf.Tensor) -> tf.Tensor:
        _, found = first_order(loss, move, weights + side, alphas, None, training)
        return found

    step = distance * direction
    difference = at(step) - at(-step)
    return found, direct + tf.math.divide_no_nan(difference, 2 * distance)


def _gradient(tape: tf.GradientTape, loss: tf.Tensor, of: Any) -> Any:
    # A network without cells has no alphas, and a loss may not depend on a step.
    return tape.gradient(loss, of, unconnected_gradients="zero")


ALPHA_GRADIENTS = {
    "first_order": first_order,
    "second_order": second_order,
    "finite_difference": finite_difference,
}
