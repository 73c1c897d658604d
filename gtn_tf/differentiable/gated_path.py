"""One architecture of a super-network, with a factor for each choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.supernet import SuperNetwork
from gtn_tf.supernet.choice_block import ChoiceBlock
from gtn_tf.supernet.wiring import Pass


class GatedPath:
    """GDAS' network: the chosen operations alone, each output times its gates.

    With gates of 1 it is the super-network. Their gradients say how the loss changes
    with the weight of what was chosen. In nao, an operation has two: of its input, and
    its own.

    Args:
        network: The super-network.

    Example:

    >>> from gtn_tf.supernet import SharedWeights
    >>> network = SuperNetwork("nas_bench_201", (8, 8, 1), 10, cells=1, filters=2)
    >>> shared = SharedWeights(network)
    >>> cell = network.draw(tf.constant([0, 2]))
    >>> weights = shared.of(shared.fresh(tf.constant([0, 1])), cell)
    >>> GatedPath(network)(weights, cell, tf.ones([6]), tf.ones([4, 8, 8, 1])).shape
    TensorShape([4, 10])
    """

    def __init__(self, network: SuperNetwork) -> None:
        self._network = network

    def __call__(
        self,
        weights: tf.Tensor,
        genotype: tf.Tensor,
        gates: tf.Tensor,
        images: tf.Tensor,
    ) -> tf.Tensor:
        """Runs an architecture as in training; it can be differentiated once.

        Args:
            weights: Of the architecture, as `SharedWeights.of` gives them.
            genotype: As `SuperNetwork.encode` gives it.
            gates: One for each choice, the same in all cells of a kind.
            images: `[batch, h, w, c]`.

        Returns:
            The logits `[batch, num_classes]`.
        """
        blocks, picks = zip(*self._network.picks(genotype))
        each, ahead = tf.unstack(gates), iter(picks)

        def call(
            block: ChoiceBlock,
            index: Any,
            inputs: Sequence[tf.Tensor],
            own: tf.Tensor,
            statistics: tf.Tensor,
        ) -> tuple[tf.Tensor, None]:
            y, _ = block(index, inputs, own, statistics, training=True)
            for number in next(ahead).chosen_by:
                y *= each[number]
            return y, None

        before = self._network.fresh_statistics(genotype)
        run = Pass(
            picks,
            tf.split(weights, [block.size for block in blocks]),
            tf.split(before, [block.statistics_size for block in blocks]),
            call,
        )
        return self._network.logits(run, images, genotype)
