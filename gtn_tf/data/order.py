"""The order of training: an endless stream of shuffled positions."""

from __future__ import annotations

import sys

import tensorflow as tf


def shuffled_batches(
    count: int, batch_size: int, seed: int, start: int = 0
) -> tf.data.Dataset:
    """Streams numbered batches of positions, each pass in a new order.

    The order of a pass is a pure function of `seed` and the number of the pass, not
    the state of a generator. So a stream can start at any batch, in another process
    too, and continues as if it had been read from the beginning. (`Dataset.shuffle`
    would also depend on TensorFlow's global seed, and would have to repeat all earlier
    passes.)

    Args:
        count: Number of positions; each pass visits each of 0 to `count - 1` once.
        batch_size: Positions per batch. A batch may hold the end of one pass and the
            beginning of the next, so that none is left out.
        seed: Seed of all passes.
        start: Number of batches to skip.

    Returns:
        Endless dataset of pairs: the number of the batch, an int64 scalar, and its
        positions, an int64 tensor `[batch_size]`.

    Example:

    >>> from gtn_tf.data.order import shuffled_batches
    >>> batches = shuffled_batches(count=4, batch_size=4, seed=0).take(2)
    >>> [(int(step), sorted(p.tolist())) for step, p in batches.as_numpy_iterator()]
    [(0, [0, 1, 2, 3]), (1, [0, 1, 2, 3])]
    """
    first_pass, already_seen = divmod(start * batch_size, count)

    def one_pass(number: tf.Tensor) -> tf.data.Dataset:
        positions = tf.range(count, dtype=tf.int64)  # [count]
        # Even keys are for the order; augmentation uses the odd ones.
        shuffled = tf.random.experimental.stateless_shuffle(
            positions, seed=tf.stack([tf.constant(2 * seed, tf.int64), number])
        )  # [count]
        return tf.data.Dataset.from_tensor_slices(shuffled)

    return (
        tf.data.Dataset.range(first_pass, sys.maxsize)
        .flat_map(one_pass)
        .skip(already_seen)
        .batch(batch_size, drop_remainder=True)
        .enumerate(start)
        .apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
    )
