"""Random architectures of a space, in the graph, some of which are held out.

An architecture is held out if the numbers of its operations sum to a multiple of how
many operations there are: every fifth of NAS-Bench-201, every eleventh of nao. Of a
random one that is held out, as of one that is not, all operations but any one are
independent and uniform.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from gtn_tf.cells import AnyGenotype
from gtn_tf.cells.genotype import LARGE, NODES
from gtn_tf.cells.nas_bench_201 import EDGES, OPS_201
from gtn_tf.supernet.coding import decode


def draw(seed: tf.Tensor, space: str, kinds: int, held_out: bool) -> tf.Tensor:
    """Draws an architecture, uniformly.

    Args:
        seed: int32 `[2]`.
        space: `"nas_bench_201"` or `"nao"`.
        kinds: Operations to choose from.
        held_out: Whether it is one of those held out, or one of the others.

    Returns:
        int32, as `SuperNetwork.encode` gives it.

    Example:

    >>> code = draw(tf.constant([0, 1]), "nas_bench_201", 5, held_out=True)
    >>> int(tf.reduce_sum(code)) % 5
    0
    """
    if space == "nas_bench_201":
        return _operations(seed, len(EDGES), kinds, held_out)
    ops = _operations(seed, 4 * NODES, kinds, held_out)
    states = tf.range(2.0, 2.0 + NODES)[:, tf.newaxis]
    # Not the seed of the operations, whose random bits they would share.
    other = tf.random.experimental.stateless_fold_in(seed, 1)
    uniform = tf.random.stateless_uniform([2, NODES, 2], other)
    inputs = tf.reshape(tf.cast(uniform * states, tf.int32), [-1])
    return tf.reshape(tf.stack([inputs, ops], 1), [-1])


def _operations(seed: tf.Tensor, count: int, kinds: int, held_out: bool) -> tf.Tensor:
    *most, remainder = tf.unstack(
        tf.random.stateless_uniform([count], seed, 0, kinds * (kinds - 1), tf.int32)
    )
    most = [op % kinds for op in most]
    remainder = 0 if held_out else remainder % (kinds - 1) + 1
    return tf.stack([*most, (remainder - tf.add_n(most)) % kinds])


def is_held_out(code: tf.Tensor, space: str, kinds: int) -> tf.Tensor:
    """Whether meta-training never draws an architecture.

    Args:
        code: int32, as `SuperNetwork.encode` gives it.
        space: `"nas_bench_201"` or `"nao"`.
        kinds: Operations to choose from.
    """
    ops = code if space == "nas_bench_201" else code[1::2]
    return tf.reduce_sum(ops) % kinds == 0


def held_out_genotype(space: str, number: int) -> AnyGenotype:
    """A random architecture that meta-training never draws.

    Args:
        space: `"nas_bench_201"` or `"nao"`, with its 11 operations.
        number: Each gives another one.

    Example:

    >>> held_out_genotype("nas_bench_201", 3) == held_out_genotype("nas_bench_201", 3)
    True
    """
    ops: Sequence[str] = OPS_201 if space == "nas_bench_201" else LARGE
    code = draw(tf.constant([0, number]), space, len(ops), held_out=True)
    return decode(code.numpy().tolist(), space, ops)
