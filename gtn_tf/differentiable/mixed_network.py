"""A network in which each edge computes all its operations, weighted."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.cells.nas_bench_201 import EDGES
from gtn_tf.errors import ArgumentError
from gtn_tf.supernet import SharedWeights, SuperNetwork
from gtn_tf.supernet.choice_block import ChoiceBlock
from gtn_tf.supernet.operation import Operation
from gtn_tf.supernet.wiring import Pass


class MixedNetwork:
    """DARTS' network: an edge's output is a weighted sum of all its operations'.

    With a weight of 1 for one operation on each edge and 0 for all others, it is what
    the super-network computes for that architecture. Batch norms take the statistics
    of the batch. All cells have the same weights of operations.

    Args:
        shared: Where the operations have their own weights, of NAS-Bench-201's space.

    Raises:
        ArgumentError: If the super-network is of another space.

    Example:

    >>> network = SuperNetwork("nas_bench_201", (8, 8, 1), 10, cells=1, filters=2)
    >>> shared = SharedWeights(network)
    >>> equal = tf.fill([6, 5], 0.2)
    >>> weights = shared.fresh(tf.constant([0, 1]))
    >>> MixedNetwork(shared)(weights, equal, tf.ones([4, 8, 8, 1])).shape
    TensorShape([4, 10])
    """

    def __init__(self, shared: SharedWeights) -> None:
        expect_nas_bench_201(shared.network)
        self._shared = shared
        # Each is traced once, however many places of the network it has.
        self._traced: dict[ChoiceBlock, Callable[..., tf.Tensor]] = {}

    def __call__(
        self, weights: tf.Tensor, mixture: tf.Tensor, images: tf.Tensor
    ) -> tf.Tensor:
        """Runs the network as in training; it can be differentiated twice.

        Args:
            weights: Of all operations, `[size]` of the shared weights.
            mixture: `[6, 5]`: of each edge, the weight of each operation.
            images: `[batch, h, w, c]`.

        Returns:
            The logits `[batch, num_classes]`.
        """
        # The blocks with a choice come cell by cell, the edges of each in order.
        edges = itertools.cycle(tf.unstack(mixture))

        def call(
            block: ChoiceBlock,
            index: Any,
            inputs: Sequence[tf.Tensor],
            own: tf.Tensor,
            statistics: None,
        ) -> tuple[tf.Tensor, None]:
            (x,) = inputs
            parts = next(edges) if has_choice(block) else tf.ones([1], x.dtype)
            return self._traced[block](x, own, parts), None

        network = self._shared.network
        anyone = tf.zeros([len(EDGES)], tf.int32)  # which cell does not matter
        blocks, picks = zip(*network.picks(anyone))
        for block in {*blocks} - {*self._traced}:
            mixed = functools.partial(_mixed, block)
            self._traced[block] = tf.function(mixed, autograph=False)
        run = Pass(picks, self._shared.split(weights), [None] * len(picks), call)
        return network.logits(run, images, anyone)


def _mixed(
    block: ChoiceBlock, x: tf.Tensor, weights: tf.Tensor, parts: tf.Tensor
) -> tf.Tensor:
    """The sum of a block's operations, each times its part."""
    sizes = [operation.size for operation in block.operations]
    each = zip(block.operations, tf.split(weights, sizes), tf.unstack(parts))
    return tf.add_n([part * _run(one, x, own) for one, own, part in each])


def _run(operation: Operation, x: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    before = operation.join(operation.fresh_statistics(), operation.statistics_size)
    y, _ = operation(x, weights, before, training=True)
    return y


def has_choice(block: ChoiceBlock) -> bool:
    """Whether a block is an edge of a cell.

    Args:
        block: Of the super-network.
    """
    return len(block.operations) > 1


def expect_nas_bench_201(network: SuperNetwork) -> None:
    """Checks the space of a super-network.

    Args:
        network: The super-network.

    Raises:
        ArgumentError: If it is not NAS-Bench-201's.
    """
    if network.space != "nas_bench_201":
        raise ArgumentError(
            "expected a super-network of nas_bench_201 for a differentiable search, "
            f"received one of {network.space}"
        )
