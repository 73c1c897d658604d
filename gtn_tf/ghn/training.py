"""Training of a graph hypernetwork, one architecture a step."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from gtn_tf.ghn.hypernetwork import GHN


class GHNAdam(NamedTuple):
    """Settings of Adam; the rate falls to a tenth after 2/3 and after 5/6 of the steps.

    Args:
        steps: Of the whole training.
        learning_rate: At the start.
        weight_decay: Times each weight, added to its gradient.
        gradient_clip: Largest norm of the gradient; 0: any.
    """

    steps: int
    learning_rate: float = 1e-3
    weight_decay: float = 1e-5
    gradient_clip: float = 5.0

    def optimizer(self) -> tf.keras.optimizers.Optimizer:
        """Makes Keras' optimizer."""
        return tf.keras.optimizers.Adam(self.schedule())

    def schedule(self) -> tf.keras.optimizers.schedules.LearningRateSchedule:
        """The learning rate of each step, counted from 0.

        Example:

        >>> rate = GHNAdam(steps=12, learning_rate=1.0).schedule()
        >>> [round(float(rate(step)), 2) for step in (0, 8, 9, 10, 11)]
        [1.0, 1.0, 0.1, 0.1, 0.01]
        """
        first = self.learning_rate
        return tf.keras.optimizers.schedules.PiecewiseConstantDecay(
            [2 * self.steps // 3, 5 * self.steps // 6], [first, first / 10, first / 100]
        )


class GHNTraining(tf.Module):
    """Trains a graph hypernetwork: each step for one architecture.

    A step lowers the loss of the architecture with the weights predicted for it. The
    hypernetwork alone is trained. Batch norms take the statistics of the batch.

    Args:
        ghn: The hypernetwork.
        adam: Settings of the optimizer.
        seed: Of the first weights.

    Example:

    >>> from gtn_tf.supernet import SuperNetwork
    >>> network = SuperNetwork("nas_bench_201", (8, 8, 1), 3, cells=0, filters=2)
    >>> training = GHNTraining(GHN(network), GHNAdam(steps=10))
    >>> cell = network.draw(tf.constant([0, 1]))
    >>> loss = training.train(cell, tf.ones([6, 8, 8, 1]), tf.constant([0, 1, 2] * 2))
    >>> int(training.optimizer.iterations)
    1
    """

    stop_training = False  # as Keras' callbacks ask

    def __init__(self, ghn: GHN, adam: GHNAdam, seed: int = 0) -> None:
        super().__init__()
        self._ghn = ghn
        self._adam = adam
        self.weights = tf.Variable(ghn.fresh(tf.constant([seed % 2**31, 0])))
        self.optimizer = adam.optimizer()
        self.optimizer.build([self.weights])
        self._traced = tf.function(self._train, autograph=False)

    def train(
        self, genotype: tf.Tensor, images: tf.Tensor, labels: tf.Tensor
    ) -> tf.Tensor:
        """Takes a step, traced once for all architectures.

        Args:
            genotype: As `SuperNetwork.encode` gives it.
            images: `[batch, h, w, c]`.
            labels: Integers `[batch]`.

        Returns:
            The loss before the step.
        """
        return self._traced(genotype, images, labels)

    def _train(
        self, genotype: tf.Tensor, images: tf.Tensor, labels: tf.Tensor
    ) -> tf.Tensor:
        weights = self.weights.read_value()
        loss, gradient = self.gradient(weights, genotype, images, labels)
        if self._adam.gradient_clip:
            gradient = tf.clip_by_norm(gradient, self._adam.gradient_clip)
        gradient += self._adam.weight_decay * weights
        self.optimizer.apply_gradients([(gradient, self.weights)])
        return loss

    def gradient(
        self,
        weights: tf.Tensor,
        genotype: tf.Tensor,
        images: tf.Tensor,
        labels: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The loss of an architecture with predicted weights, and its gradient.

        Args:
            weights: Of the hypernetwork.
            genotype: As for `train`, and so are the others.
            images: Likewise.
            labels: Likewise.
        """
        network = self._ghn.network
        before = network.fresh_statistics(genotype)
        with tf.GradientTape() as tape:
            tape.watch(weights)
            own = self._ghn.of(weights, genotype)
            logits, _ = network(own, before, images, genotype, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        return loss, tape.gradient(loss, weights)
