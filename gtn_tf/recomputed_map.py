"""A map over the leading axis that keeps no activations for the backward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

_ZERO = tf.UnconnectedGradients.ZERO

Function = Callable[..., tf.Tensor]


def recomputed_map(
    function: Function,
    weights: Sequence[tf.Tensor],
    inputs: tf.Tensor,
    others: tf.Tensor,
) -> tf.Tensor:
    """Computes `stack([function(weights, inputs[i], others[i]) for i in ...])`.

    The gradient reaches weights and inputs. Each element is computed a second time
    in the backward pass, so that memory holds the activations of one at a time.

    Args:
        function: A pure function of tensors.
        weights: Tensors that are the same for every element.
        inputs: `[n, ...]`.
        others: `[n, ...]`, integers such as labels.

    Returns:
        The results, `[n, ...]`.

    Example:

    >>> x = tf.constant([[1.0], [2.0]])
    >>> y = recomputed_map(lambda w, x, k: w[0] * x, [3.0], x, tf.constant([0, 0]))
    >>> y.numpy().ravel().tolist()
    [3.0, 6.0]
    """

    @tf.custom_gradient
    def run(inputs: tf.Tensor, *each: tf.Tensor) -> tuple[tf.Tensor, Any]:
        weights = list(each)

        def gradient(upstream: tf.Tensor) -> list[tf.Tensor]:
            # Otherwise both passes might be merged and the activations kept.
            with tf.control_dependencies([upstream]):
                return _backward(function, weights, inputs, others, upstream)

        return _forward(function, weights, inputs, others), gradient

    return run(inputs, *map(tf.convert_to_tensor, weights))


def _forward(
    function: Function,
    weights: Sequence[tf.Tensor],
    inputs: tf.Tensor,
    others: tf.Tensor,
) -> tf.Tensor:
    count = inputs.shape[0]

    def body(i: tf.Tensor, results: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
        return i + 1, results.write(i, function(weights, inputs[i], others[i]))

    _, results = tf.while_loop(
        lambda i, _: i < count,
        body,
        (0, tf.TensorArray(inputs.dtype, count)),
        parallel_iterations=1,
        maximum_iterations=count,
    )
    return results.stack()


def _backward(
    function: Function,
    weights: Sequence[tf.Tensor],
    inputs: tf.Tensor,
    others: tf.Tensor,
    upstream: tf.Tensor,
) -> list[tf.Tensor]:
    count = inputs.shape[0]

    def body(
        i: tf.Tensor, of_weights: list[tf.Tensor], of_inputs: tf.TensorArray
    ) -> tuple[tf.Tensor, list[tf.Tensor], tf.TensorArray]:
        one = inputs[i]
        with tf.GradientTape() as tape:
            tape.watch([weights, one])
            result = function(weights, one, others[i])
        found, of_one = tape.gradient(result, [weights, one], upstream[i], _ZERO)
        of_weights = [a + b for a, b in zip(of_weights, found)]
        return i + 1, of_weights, of_inputs.write(i, of_one)

    _, of_weights, of_inputs = tf.while_loop(
        lambda i, *_: i < count,
        body,
        (0, [tf.zeros_like(w) for w in weights], tf.TensorArray(inputs.dtype, count)),
        parallel_iterations=1,
        maximum_iterations=count,
    )
    return [of_inputs.stack(), *of_weights]
