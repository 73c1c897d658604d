"""A network in which all that may be chosen is computed, weighted."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.supernet import SharedWeights
from gtn_tf.supernet.choice_block import ChoiceBlock
from gtn_tf.supernet.operation import Operation
from gtn_tf.supernet.wiring import Pass, Pick


class MixedNetwork:
    """DARTS' network: an edge's output is a weighted sum of all its operations'.

    In nao, a branch of a node is the sum over its inputs, too, and a cell's output has
    all states, each times the probability that no branch reads it.

    With a weight of 1 for one value of each choice and 0 for all others, it is what the
    super-network computes for that architecture; but an input of a cell of nao always
    is calibrated by a 1x1 convolution, even if it has as many channels as the cell.
    Batch norms take the statistics of the batch. All cells of a kind have the same
    weights of operations.

    Args:
        shared: Where the operations have their own weights.

    Example:

    >>> from gtn_tf.supernet import SuperNetwork
    >>> network = SuperNetwork("nas_bench_201", (8, 8, 1), 10, cells=1, filters=2)
    >>> shared = SharedWeights(network)
    >>> equal = tf.fill([6, 5], 0.2)
    >>> weights = shared.fresh(tf.constant([0, 1]))
    >>> MixedNetwork(shared)(weights, equal, tf.ones([4, 8, 8, 1])).shape
    TensorShape([4, 10])
    """

    def __init__(self, shared: SharedWeights) -> None:
        self._shared = shared
        # Each is traced once, however many places of the network it has.
        self._traced: dict[Any, Callable[..., tf.Tensor]] = {}

    def __call__(
        self, weights: tf.Tensor, mixture: tf.Tensor, images: tf.Tensor
    ) -> tf.Tensor:
        """Runs the network as in training; it can be differentiated twice.

        Args:
            weights: Of all operations, `[size]` of the shared weights.
            mixture: `[choices, most]`: of each choice, the weight of each value, as
                `Alphas.mixture` gives it.
            images: `[batch, h, w, c]`.

        Returns:
            The logits `[batch, num_classes]`.
        """
        network = self._shared.network
        sizes = network.choices
        parts = [row[:size] for row, size in zip(tf.unstack(mixture), sizes)]
        anyone = tf.zeros([len(sizes)], tf.int32)  # which architecture does not matter
        _, picks = zip(*network.picks(anyone))
        ahead: Iterator[Pick] = iter(picks)

        def call(
            block: ChoiceBlock,
            index: Any,
            inputs: Sequence[Any],
            own: tf.Tensor,
            statistics: None,
        ) -> tuple[tf.Tensor, None]:
            pick = next(ahead)
            if pick.chosen_by:
                *sources, operations = (parts[number] for number in pick.chosen_by)
                shares = tf.unstack(sources[0]) if sources else [1.0]
                return self._sum(block, inputs, own, shares, operations), None
            operation = block.operations[index]  # the only one that has weights
            traced = self._once(operation, functools.partial(_run, operation))
            return traced(*inputs, own), None

        run = Pass(picks, self._shared.split(weights), [None] * len(picks), call)
        return network.mixed_logits(run, images, parts)

    def _sum(
        self,
        block: ChoiceBlock,
        inputs: Sequence[Sequence[tf.Tensor]],
        weights: tf.Tensor,
        shares: Sequence[Any],
        operations: tf.Tensor,
    ) -> tf.Tensor:
        """The sum over all inputs of a block, each times its share."""
        kinds = [kind for kind, alike in enumerate(inputs) for _ in alike]
        xs = itertools.chain(*inputs)
        each = zip(shares, kinds, xs, tf.split(weights, len(kinds)))
        terms = []
        for share, kind, x, own in each:
            run = functools.partial(_mixed, block, kind)
            terms.append(share * self._once((block, kind), run)(x, own, operations))
        return tf.add_n(terms)

    def _once(
        self, key: Any, run: Callable[..., tf.Tensor]
    ) -> Callable[..., tf.Tensor]:
        if key not in self._traced:
            self._traced[key] = tf.function(run, autograph=False)
        return self._traced[key]


def _mixed(
    block: ChoiceBlock, kind: int, x: tf.Tensor, weights: tf.Tensor, parts: tf.Tensor
) -> tf.Tensor:
    """The sum of a block's operations on a kind of input, each times its part."""
    slots = iter(tf.split(weights, [operation.size for operation in block.operations]))
    own = [[next(slots) for _ in operations] for operations in block.by_input]
    each = zip(block.by_input[kind], own[kind], tf.unstack(parts))
    return tf.add_n([part * _run(one, x, slot) for one, slot, part in each])


def _run(operation: Operation, x: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    before = operation.join(operation.fresh_statistics(), operation.statistics_size)
    y, _ = operation(x, weights, before, training=True)
    return y
