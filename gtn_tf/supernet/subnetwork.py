"""One architecture of a super-network, as a pure function of its weights."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from gtn_tf.supernet.network import SuperNetwork


class SubNetwork:
    def __init__(self, network: SuperNetwork, genotype: tf.Tensor) -> None:
        self.network = network
        self.genotype = genotype

    @property
    def running(self) -> list[tf.Tensor]:
        return [self.network.fresh_statistics(self.genotype)]

    def pack(self, weights: Sequence[tf.Tensor]) -> tf.Tensor:
        return weights[0]

    def unpack(self, vector: tf.Tensor) -> list[tf.Tensor]:
        return [vector]

    def __call__(self, weights, statistics, inputs, training):
        logits, after = self.network(
            *weights, *statistics, inputs, self.genotype, training, second_order=True
        )
        return logits, [after]
