"""Random architectures of a space, in the graph, some of which are held out.

An architecture is held out if the numbers of its operations sum to a multiple of how
many operations there are: every fifth of NAS-Bench-201, every eleventh of nao. Of a
random one that is held out, as of one that is not, all operations but any one are
independent and uniform.
"""

from __future__ import annotations

import tensorflow as tf

from gtn_tf.cells.genotype import NODES


def draw_operations(
    seed: tf.Tensor, count: int, kinds: int, held_out: bool
) -> tf.Tensor:
    """Draws the operations of an architecture.

    Args:
        seed: int32 `[2]`.
        count: Operations of an architecture.
        kinds: Operations to choose from.
        held_out: Whether it is one of those held out, or one of the others.

    Returns:
        int32 `[count]`, numbers of operations.

    Example:

    >>> ops = draw_operations(tf.constant([0, 1]), 6, 5, held_out=True)
    >>> int(tf.reduce_sum(ops)) % 5
    0
    """
    *most, remainder = tf.unstack(
        tf.random.stateless_uniform([count], seed, 0, kinds * (kinds - 1), tf.int32)
    )
    most = [op % kinds for op in most]
    remainder = 0 if held_out else remainder % (kinds - 1) + 1
    return tf.stack([*most, (remainder - tf.add_n(most)) % kinds])


def draw_inputs(seed: tf.Tensor) -> tf.Tensor:
    """Draws the inputs of all nodes of a normal and a reduction cell of nao.

    Args:
        seed: int32 `[2]`.

    Returns:
        int32 `[2, 5, 2]`.
    """
    states = tf.range(2.0, 2.0 + NODES)[:, tf.newaxis]
    uniform = tf.random.stateless_uniform([2, NODES, 2], seed)
    return tf.cast(uniform * states, tf.int32)
