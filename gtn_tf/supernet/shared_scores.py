"""Scores of architectures with shared weights, on images they were not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import tensorflow as tf

from gtn_tf.accuracy import count_correct
from gtn_tf.supernet.network import SuperNetwork

_BATCH = 500  # images whose statistics a batch norm takes, or more

Batches = Sequence[tuple[tf.Tensor, tf.Tensor]]


class WeightsOfAll(Protocol):
    """Weights for each architecture of a space, such as `SharedWeights`."""

    @property
    def network(self) -> SuperNetwork:
        """The super-network, which takes what `of` gives."""

    def of(self, weights: tf.Tensor, genotype: tf.Tensor) -> tf.Tensor:
        """The weights of an architecture.

        Args:
            weights: Whatever those of all architectures are made of.
            genotype: As `SuperNetwork.encode` gives it.
        """


class SharedScore(NamedTuple):
    """How good an architecture is with shared weights."""

    loss: float
    accuracy: float


class SharedScores:
    """Scores architectures, traced once for all.

    Batch norms take the statistics of the batch: running ones would be a mixture of all
    architectures. A score therefore depends on the batches.

    Args:
        shared: Where each architecture has its weights.
    """

    def __init__(self, shared: WeightsOfAll) -> None:
        self._shared = shared
        self._traced = tf.function(self._sums, autograph=False)

    def __call__(
        self, weights: tf.Tensor, genotype: tf.Tensor, batches: Batches
    ) -> SharedScore:
        """Scores an architecture.

        Args:
            weights: Of all architectures, as `shared.of` takes them.
            genotype: As `SuperNetwork.encode` gives it.
            batches: From `equal_batches`.
        """
        loss = correct = 0.0
        for images, labels in batches:
            sums = self._traced(weights, genotype, images, labels)
            loss, correct = loss + float(sums[0]), correct + float(sums[1])
        count = sum(len(labels) for _, labels in batches)
        return SharedScore(loss / count, correct / count)

    def _sums(
        self,
        weights: tf.Tensor,
        genotype: tf.Tensor,
        images: tf.Tensor,
        labels: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        network = self._shared.network
        own, before = (
            self._shared.of(weights, genotype),
            network.fresh_statistics(genotype),
        )
        logits, _ = network(own, before, images, genotype, training=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        return tf.reduce_sum(losses), count_correct(logits, labels)


def equal_batches(images: tf.Tensor, labels: tf.Tensor) -> Batches:
    """Batches of one size, of 500 images or more if there are as many.

    A few images at the end may be left over.

    Args:
        images: `[n, h, w, c]`.
        labels: Integers `[n]`.

    Example:

    >>> batches = equal_batches(tf.zeros([1203, 2, 2, 1]), tf.zeros([1203], tf.int32))
    >>> [len(labels) for _, labels in batches]
    [601, 601]
    """
    count = len(labels)
    size = count // max(1, count // _BATCH)
    starts = range(0, count - size + 1, size)
    return [(images[at : at + size], labels[at : at + size]) for at in starts]
