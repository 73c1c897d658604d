"""One architecture of a super-network, as a pure function of its weights."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from gtn_tf.supernet.network import SuperNetwork
from gtn_tf.weight_tensors import PackedTensors


class SubNetwork:
    """A super-network with an architecture, in the place of a `PureModel`.

    Its outputs can be differentiated twice. All weights are one tensor.

    Args:
        network: The super-network.
        genotype: int32, as `SuperNetwork.encode` gives it.

    Example:

    >>> network = SuperNetwork("nas_bench_201", (8, 8, 1), 10, cells=1, filters=2)
    >>> seed = tf.constant([0, 1])
    >>> learner = SubNetwork(network, network.draw(seed))
    >>> weights = learner.fresh_weights(seed)
    >>> images = tf.ones([4, 8, 8, 1])
    >>> logits, _ = learner(weights, learner.running, images, training=False)
    >>> logits.shape
    TensorShape([4, 10])
    """

    def __init__(self, network: SuperNetwork, genotype: tf.Tensor) -> None:
        self.network = network
        self.genotype = genotype

    @property
    def running(self) -> list[tf.Tensor]:
        """The statistics before the first step."""
        return [self.network.fresh_statistics(self.genotype)]

    def fresh_weights(self, seed: tf.Tensor) -> list[tf.Tensor]:
        """Draws weights.

        Args:
            seed: int32 `[2]`.
        """
        return [self.network.fresh_weights(self.genotype, seed)]

    def tensors(self) -> PackedTensors:
        """What the vector of weights is made of."""
        return self.network.tensors(self.genotype)

    def pack(self, weights: Sequence[tf.Tensor]) -> tf.Tensor:
        """The one tensor of weights, `[size]`."""
        (vector,) = weights
        return vector

    def unpack(self, vector: tf.Tensor) -> list[tf.Tensor]:
        """The vector as the one tensor of weights."""
        return [vector]

    def __call__(
        self,
        weights: Sequence[tf.Tensor],
        statistics: Sequence[tf.Tensor],
        inputs: tf.Tensor,
        training: bool,
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Runs the architecture; arguments and results as for `PureModel`."""
        (vector,), (before,) = weights, statistics
        logits, after = self.network(
            vector, before, inputs, self.genotype, training, second_order=True
        )
        return logits, [after]
