"""DARTS: alphas learn on validation images, weights on training images, in turn."""

from __future__ import annotations

import tensorflow as tf

from gtn_tf.cells import AnyGenotype
from gtn_tf.differentiable.alpha_gradients import ALPHA_GRADIENTS
from gtn_tf.differentiable.alphas import AlphaAdam, Alphas
from gtn_tf.differentiable.mixed_network import MixedNetwork
from gtn_tf.errors import ArgumentError, not_one_of
from gtn_tf.supernet import SGD, SharedWeights, SuperNetwork

Batch = tuple[tf.Tensor, tf.Tensor]


class Darts(tf.Module):
    """Differentiable architecture search (Liu et al. 2019, arXiv 1806.09055).

    In each step the alphas go first. The look-ahead of the second order is the step
    that the weights would take then, with momentum and weight decay, without its clip.

    Args:
        shared: Where each operation has its weights.
        sgd: Settings of the weights' optimizer.
        adam: Settings of the alphas'.
        alpha_gradient: `"first_order"`, `"second_order"`, which is exact, or
            `"finite_difference"`, its published approximation.
        seed: Of the first weights and alphas.

    Raises:
        ArgumentError: If there is no such gradient.

    Example:

    >>> from gtn_tf.supernet import SuperNetwork
    >>> network = SuperNetwork("nas_bench_201", (8, 8, 1), 3, cells=0, filters=2)
    >>> search = Darts(SharedWeights(network), SGD(steps=10), AlphaAdam())
    >>> batch = tf.ones([6, 8, 8, 1]), tf.constant([0, 1, 2] * 2)
    >>> loss, validation_loss = search.train(batch, batch)
    >>> int(search.step)
    1
    """

    stop_training = False  # as Keras' callbacks ask

    def __init__(
        self,
        shared: SharedWeights,
        sgd: SGD,
        adam: AlphaAdam,
        alpha_gradient: str = "first_order",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if alpha_gradient not in ALPHA_GRADIENTS:
            raise ArgumentError(
                not_one_of("alpha_gradient", alpha_gradient, ALPHA_GRADIENTS)
            )
        if alpha_gradient == "second_order":
            _expect_second_derivatives(shared.network)
        self._network = MixedNetwork(shared)
        self._decode = shared.network.decode
        self._sgd = sgd
        self._alpha_gradient = ALPHA_GRADIENTS[alpha_gradient]
        first = shared.fresh(tf.constant([seed % 2**31, 0]))
        self.alphas = Alphas(shared.network.choices, adam, seed)
        self.weights = tf.Variable(first)
        self.velocity = tf.Variable(tf.zeros_like(first))
        self.step = tf.Variable(0, dtype=tf.int64)
        self._traced = tf.function(self._train, autograph=False)

    @property
    def genotype(self) -> AnyGenotype:
        """The architecture of the largest alphas."""
        return self._decode(self.alphas.picked)

    def train(self, training: Batch, validation: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        """Takes a step of the alphas, then one of the weights.

        Args:
            training: Images `[batch, h, w, c]` and integers `[batch]`, for the weights.
            validation: The same, for the alphas.

        Returns:
            The training loss before the weights' step, and the validation loss before
            the alphas'; in the second order, with weights one step ahead.
        """
        return self._traced(training, validation)

    def _train(self, training: Batch, validation: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        weights, velocity = self.weights.read_value(), self.velocity.read_value()

        def move(weights: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
            return self._sgd.moved(weights, velocity, gradient, self.step)[0]

        values = self.alphas.values.read_value()
        given = self.loss, move, weights, values, training, validation
        of_validation, gradient = self._alpha_gradient(*given)
        self.alphas.move(gradient)
        values = self.alphas.values.read_value()
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = self.loss(weights, values, training)
        gradient = self._sgd.clipped(tape.gradient(loss, weights))
        weights, velocity = self._sgd.moved(weights, velocity, gradient, self.step)
        self.weights.assign(weights)
        self.velocity.assign(velocity)
        self.step.assign_add(1)
        return loss, of_validation

    def loss(self, weights: tf.Tensor, alphas: tf.Tensor, batch: Batch) -> tf.Tensor:
        """The loss of the mixed network, twice differentiable.

        Args:
            weights: Of all operations.
            alphas: `[choices, most]`.
            batch: Images and labels.
        """
        images, labels = batch
        mixture = tf.nn.softmax(self.alphas.logits(alphas))
        logits = self._network(weights, mixture, images)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        return tf.reduce_mean(losses)


def _expect_second_derivatives(network: SuperNetwork) -> None:
    # Only in float32 does Keras' batch norm run fused; otherwise it takes the mean in
    # its variance for a constant, which is right for first derivatives alone.
    if network.kind == "training" and tf.keras.backend.floatx() != "float32":
        raise ArgumentError(
            "expected Keras' floatx float32 for second_order with training layers, "
            "whose batch norm has wrong second derivatives otherwise, received "
            f"{tf.keras.backend.floatx()}; evaluation layers have right ones"
        )
