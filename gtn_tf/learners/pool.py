"""Drawing a learner from a pool of networks, and averaging over several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.functional import PureModel
from gtn_tf.learners.fresh import fresh_weights


def with_random_learner(
    pool: Sequence[PureModel],
    seed: tf.Tensor,
    function: Callable[[PureModel, list[tf.Tensor]], Any],
) -> Any:
    """Calls `function(learner, weights)` on a random network with fresh weights.

    Args:
        pool: The networks.
        seed: int32 `[2]`, of the choice and of the weights.
        function: Gives tensors, of the same shapes for all networks.

    Returns:
        What the function gave.
    """

    def branch(learner: PureModel) -> Callable[[], Any]:
        return lambda: function(learner, fresh_weights(learner.model, fold(seed, 1)))

    if len(pool) == 1:
        return branch(pool[0])()
    index = tf.random.stateless_uniform([], fold(seed, 2), 0, len(pool), tf.int32)
    return tf.switch_case(index, [branch(learner) for learner in pool])


def mean_over(count: int, function: Callable[[tf.Tensor], Any], like: Any) -> Any:
    """Averages what a function gives for several numbers, one after the other.

    Args:
        count: How many numbers, from 0.
        function: Gives a named tuple of tensors with a field `logits`.
        like: Zeros of the same structure and shapes.

    Returns:
        The mean, and the logits of each, stacked.
    """
    each = tf.TensorArray(like.logits.dtype, count)

    def body(
        i: tf.Tensor, total: Any, each: tf.TensorArray
    ) -> tuple[tf.Tensor, Any, tf.TensorArray]:
        one = function(i)
        total = type(like)(*(a + b for a, b in zip(total, one)))
        return i + 1, total, each.write(i, one.logits)

    _, total, each = tf.while_loop(
        lambda i, *_: i < count, body, (0, like, each), maximum_iterations=count
    )
    return type(like)(*(one / count for one in total)), each.stack()


def fold(seed: tf.Tensor, number: Any) -> tf.Tensor:
    """Another seed, for one of the things that a seed is for.

    Args:
        seed: int32 `[2]`.
        number: Integer scalar.
    """
    return tf.random.experimental.stateless_fold_in(seed, number)
