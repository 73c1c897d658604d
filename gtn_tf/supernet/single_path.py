"""Training of shared weights, one architecture a step."""

from __future__ import annotations

import math
from typing import NamedTuple

import tensorflow as tf

from gtn_tf.supernet.shared_weights import SharedWeights


class SGD(NamedTuple):
    """Settings of stochastic gradient descent with Nesterov momentum.

    Args:
        steps: Of the whole training, in which the rate falls along a cosine.
        learning_rate: At the start.
        final_learning_rate: At the end.
        momentum: Of the velocity.
        weight_decay: Times each weight, added to its gradient.
        gradient_clip: Largest norm of the gradient; 0: any.
    """

    steps: int
    learning_rate: float = 0.05
    final_learning_rate: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 5e-4
    gradient_clip: float = 5.0

    def rate(self, step: tf.Tensor) -> tf.Tensor:
        """The learning rate of a step, counted from 0.

        Args:
            step: The step.

        Example:

        >>> sgd = SGD(steps=10, learning_rate=0.4, final_learning_rate=0.2)
        >>> [round(float(sgd.rate(tf.constant(t))), 3) for t in (0, 5, 10)]
        [0.4, 0.3, 0.2]
        """
        done = tf.cast(step, tf.keras.backend.floatx()) / self.steps
        highest, lowest = self.learning_rate, self.final_learning_rate
        return lowest + (highest - lowest) * (1 + tf.cos(math.pi * done)) / 2

    def clipped(self, gradient: tf.Tensor) -> tf.Tensor:
        """A gradient, no longer than it may be.

        Args:
            gradient: Of all weights that take a step.
        """
        longest = self.gradient_clip
        return tf.clip_by_norm(gradient, longest) if longest else gradient

    def decayed(
        self, weights: tf.Tensor, step: tf.Tensor, missed: tf.Tensor
    ) -> tf.Tensor:
        """Weights after the decay of steps that did not pick them.

        As much of it as their velocity would have taken on in these steps, at the
        present rate.

        Args:
            weights: Before it.
            step: The number of the present step, from 0.
            missed: For each weight, how many steps there were since its last one.

        Example:

        >>> sgd = SGD(9, learning_rate=0.1, momentum=0.9, weight_decay=0.1)
        >>> weights = sgd.decayed(tf.ones([2]), tf.constant(0), tf.constant([0.0, 7.0]))
        >>> [round(float(weight), 3) for weight in weights]
        [1.0, 0.497]
        """
        in_one = self.weight_decay * self.rate(step) / (1 - self.momentum)
        return weights * tf.exp(-in_one * missed)

    def moved(
        self,
        weights: tf.Tensor,
        velocity: tf.Tensor,
        gradient: tf.Tensor,
        step: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Weights and velocity after a step, differentiable.

        Args:
            weights: Before it.
            velocity: Likewise.
            gradient: Of the weights.
            step: Its number, from 0.
        """
        down = self.rate(step) * (gradient + self.weight_decay * weights)
        velocity = self.momentum * velocity - down
        return weights + (self.momentum * velocity - down), velocity


class SinglePath(tf.Module):
    """Trains shared weights: each step those of one architecture (Guo et al. 2020).

    All other weights stay as they are, and so does their velocity: momentum does not
    move what was not picked. Decay is made up for when it is picked again: else
    operations, which most steps miss, would decay too little beside what all
    architectures share, and those without weights would look better than they are.

    Args:
        shared: Where each architecture has its weights.
        sgd: Settings of the optimizer.
        seed: Of the first weights.

    Example:

    >>> from gtn_tf.supernet import SuperNetwork
    >>> network = SuperNetwork("nas_bench_201", (8, 8, 1), 3, cells=0, filters=2)
    >>> training = SinglePath(SharedWeights(network), SGD(steps=10))
    >>> cell = network.draw(tf.constant([0, 1]))
    >>> loss = training.train(cell, tf.ones([6, 8, 8, 1]), tf.constant([0, 1, 2] * 2))
    >>> int(training.step)
    1
    """

    stop_training = False  # as Keras' callbacks ask

    def __init__(self, shared: SharedWeights, sgd: SGD, seed: int = 0) -> None:
        super().__init__()
        self._shared = shared
        self._sgd = sgd
        first = shared.fresh(tf.constant([seed % 2**31, 0]))
        self.weights = tf.Variable(first)
        self.velocity = tf.Variable(tf.zeros_like(first))
        self.steps_done = tf.Variable(tf.zeros_like(first))  # when last picked
        self.step = tf.Variable(0, dtype=tf.int64)
        self._traced = tf.function(self._train, autograph=False)

    def train(
        self, genotype: tf.Tensor, images: tf.Tensor, labels: tf.Tensor
    ) -> tf.Tensor:
        """Takes a step, traced once for all architectures and each kind of labels.

        Args:
            genotype: As `SuperNetwork.encode` gives it.
            images: `[batch, h, w, c]`.
            labels: Integers `[batch]`, or probabilities of the classes `[batch, k]`.

        Returns:
            The loss before the step.
        """
        return self._traced(genotype, images, labels)

    def _train(
        self, genotype: tf.Tensor, images: tf.Tensor, labels: tf.Tensor
    ) -> tf.Tensor:
        places = self._shared.places(genotype)
        weights, velocity, last = (
            tf.gather(v, places) for v in (self.weights, self.velocity, self.steps_done)
        )
        now = tf.cast(self.step, weights.dtype)
        weights = self._sgd.decayed(weights, self.step, now - last)
        loss, gradient = self.gradient(weights, genotype, images, labels)
        gradient = self._sgd.clipped(gradient)
        weights, velocity = self._sgd.moved(weights, velocity, gradient, self.step)
        self.weights.scatter_update(tf.IndexedSlices(weights, places))
        self.velocity.scatter_update(tf.IndexedSlices(velocity, places))
        done = tf.fill(tf.shape(places), now + 1)
        self.steps_done.scatter_update(tf.IndexedSlices(done, places))
        self.step.assign_add(1)
        return loss

    def gradient(
        self,
        weights: tf.Tensor,
        genotype: tf.Tensor,
        images: tf.Tensor,
        labels: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The loss of an architecture in training, and its gradient.

        Args:
            weights: Of the architecture.
            genotype: As for `train`, and so are the others.
            images: Likewise.
            labels: Likewise.
        """
        network = self._shared.network
        before = network.fresh_statistics(genotype)
        with tf.GradientTape() as tape:
            tape.watch(weights)
            logits, _ = network(weights, before, images, genotype, training=True)
            loss = tf.reduce_mean(_cross_entropy(labels, logits))
        return loss, tape.gradient(loss, weights)


def _cross_entropy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    if labels.shape.rank == 1:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    return tf.nn.softmax_cross_entropy_with_logits(labels, logits)
