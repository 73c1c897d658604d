"""Short training of a super-network's architectures, traced once for all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from gtn_tf.accuracy import count_correct
from gtn_tf.cells import AnyGenotype
from gtn_tf.inner import graph_rewrites_off
from gtn_tf.inner.optimizers.base import OptimizerState
from gtn_tf.labels import AnyLabels, as_integers
from gtn_tf.search.scorers.on_supernetwork import as_input
from gtn_tf.supernet import SuperNetwork


class Batches(NamedTuple):
    """Training batches of equal size, stacked."""

    images: tf.Tensor  # [steps, batch, h, w, c]
    labels: tf.Tensor  # [steps, batch, ...], in any form that the loss accepts
    weights: tf.Tensor  # [steps, batch]


class Update(NamedTuple):
    """An optimizer as pure functions of one vector of weights.

    Args:
        init: Returns the initial state for weights.
        step: `(weights, state, gradient, values, tensors)` -> new weights and state.
        values: Its hyperparameters, each `[steps]`.
        clipnorm: Maximum norm of the gradient of each weight tensor.
    """

    init: Callable[[tf.Tensor], OptimizerState]
    step: Callable[..., tuple[tf.Tensor, OptimizerState]]
    values: Mapping[str, tf.Tensor]
    clipnorm: float


class Trained(NamedTuple):
    """The result of a training."""

    losses: np.ndarray  # of each step, before its update
    weights: tf.Tensor
    statistics: tf.Tensor

    @property
    def loss(self) -> float:
        """Mean over all steps."""
        return float(np.mean(self.losses, dtype=np.float64))


class TracedTraining:
    """Trains architectures of a super-network from fresh weights, and tests them.

    Computes the same as Keras' `fit` with `SettleBatchNorm` and `evaluate` on the
    stand-alone network. Only the first architecture is traced.

    Args:
        network: The super-network.
        update: The optimizer.
    """

    def __init__(self, network: SuperNetwork, update: Update) -> None:
        self.network = network
        self._update = update
        self._loss = AnyLabels().mean
        self._traced_fresh = tf.function(self._fresh, autograph=False)
        self._traced_train = tf.function(self._train, autograph=False)
        self._traced_settle = tf.function(self._settle, autograph=False)
        self._traced_count = tf.function(self._count, reduce_retracing=True)

    def train(
        self,
        genotype: AnyGenotype,
        batches: Batches,
        seed: tuple[int, int],
    ) -> Trained:
        """Trains fresh weights on all batches.

        Args:
            genotype: Of the network's space.
            batches: A batch for each step.
            seed: Of the weights.
        """
        code = self.network.encode(genotype)
        with graph_rewrites_off():
            fresh = self._traced_fresh(code, tf.constant(seed, tf.int32))
            losses, weights, statistics = self._traced_train(code, *fresh, batches)
        return Trained(losses.numpy(), weights, statistics)

    def settle(
        self, genotype: AnyGenotype, trained: Trained, images: tf.Tensor
    ) -> Trained:
        """Re-estimates batch-norm statistics, as the accuracy needs it.

        Args:
            genotype: The genotype that was trained.
            trained: From `train`.
            images: `[n, batch, h, w, c]`.
        """
        if self.network.momentum is None:
            return trained
        code = self.network.encode(genotype)
        with graph_rewrites_off():
            statistics = self._traced_settle(code, trained.weights, images)
        return trained._replace(statistics=statistics)

    def accuracy(
        self,
        genotype: AnyGenotype,
        trained: Trained,
        validation: Iterable[tuple[tf.Tensor, tf.Tensor]],
    ) -> float:
        """The accuracy of a trained network.

        Args:
            genotype: The genotype that was trained.
            trained: From `settle`.
            validation: Batches of images and labels.
        """
        code, counts = self.network.encode(genotype), []
        with graph_rewrites_off():
            for images, labels in validation:
                found = self._traced_count(code, *trained[1:], images, labels)
                counts.append((int(found), len(labels)))
        correct, total = np.sum(counts, axis=0)
        return float(correct / total)

    def _fresh(self, code: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        network = self.network
        return network.fresh_weights(code, seed), network.fresh_statistics(code)

    def _train(
        self,
        code: tf.Tensor,
        weights: tf.Tensor,
        statistics: tf.Tensor,
        batches: Batches,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        steps = batches.images.shape[0]

        def body(
            t: tf.Tensor, losses: Any, weights: tf.Tensor, state: Any, s: tf.Tensor
        ) -> tuple[Any, ...]:
            batch = Batches(*(one[t] for one in batches))
            with tf.GradientTape() as tape:
                tape.watch(weights)
                logits, s = self._step(weights, s, batch.images, code)
                loss = self._loss(batch.labels, logits, batch.weights)
            gradient = tape.gradient(loss, weights)
            values = {name: x[t] for name, x in self._update.values.items()}
            weights, state = self._update.step(
                weights, state, gradient, values, lambda: self.network.tensors(code)
            )
            return t + 1, losses.write(t, loss), weights, state, s

        losses, state = tf.TensorArray(weights.dtype, steps), self._update.init(weights)
        _, losses, weights, _, statistics = tf.while_loop(
            lambda t, *_: t < steps,
            body,
            (0, losses, weights, state, statistics),
            maximum_iterations=steps,
        )
        return losses.stack(), weights, statistics

    def _step(
        self, weights: tf.Tensor, statistics: tf.Tensor, x: tf.Tensor, code: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        given = weights, statistics, x, code
        return self.network(*given, True, clipnorm=self._update.clipnorm)

    def _settle(
        self, code: tf.Tensor, weights: tf.Tensor, images: tf.Tensor
    ) -> tf.Tensor:
        """Moving averages that start at 0, divided by the sum of their weights."""
        count = images.shape[0]

        def body(t: tf.Tensor, statistics: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return t + 1, self._step(weights, statistics, images[t], code)[1]

        zeros = tf.zeros([self.network.statistics_size], weights.dtype)
        _, statistics = tf.while_loop(
            lambda t, _: t < count, body, (0, zeros), maximum_iterations=count
        )
        return statistics / (1 - self.network.momentum**count)

    def _count(
        self,
        code: tf.Tensor,
        weights: tf.Tensor,
        statistics: tf.Tensor,
        images: tf.Tensor,
        labels: tf.Tensor,
    ) -> tf.Tensor:
        return count_correct(self.network(weights, statistics, images, code)[0], labels)


def stacked(
    elements: Iterable[Any],
    image_shape: tuple[int, ...],
    class_weight: Mapping[int, float] | None = None,
) -> Batches:
    """Stacks the batches of a dataset.

    Args:
        elements: Images, labels and sample weights, if any, of equal batches.
        image_shape: `(height, width, channels)`.
        class_weight: As for Keras' `fit`.
    """
    found = [tf.keras.utils.unpack_x_y_sample_weight(one) for one in elements]
    images, labels, weights = zip(*found)
    together, dtype = as_input(images, image_shape), tf.keras.backend.floatx()
    of_examples = tf.stack(
        [
            tf.ones([len(y)], dtype)
            if w is None
            else tf.cast(tf.reshape(w, [-1]), dtype)
            for y, w in zip(labels, weights)
        ]
    )
    if class_weight:
        of_classes = tf.constant([class_weight[c] for c in sorted(class_weight)], dtype)
        of_examples *= tf.gather(of_classes, tf.stack([*map(as_integers, labels)]))
    return Batches(together, tf.stack(labels), of_examples)
