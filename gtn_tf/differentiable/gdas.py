"""GDAS: alphas learn by one sampled architecture a step."""

from __future__ import annotations

import tensorflow as tf

from gtn_tf.cells import AnyGenotype
from gtn_tf.differentiable.alphas import AlphaAdam, Alphas
from gtn_tf.differentiable.gated_path import GatedPath
from gtn_tf.supernet import SGD, SharedWeights, SinglePath

Batch = tuple[tf.Tensor, tf.Tensor]


class Gdas(tf.Module):
    """Search by a differentiable sampler (Dong & Yang 2019, arXiv 1910.04465).

    In each step, two architectures are drawn by the alphas' probabilities: one for the
    alphas, on validation images, one for the weights, on training images. Only what
    was drawn is computed. The forward pass is that of the architecture; backwards, the
    draw is a softmax (straight-through), and the gradient that reaches it is that of
    the operation drawn, as the paper has it; in nao, of its input, too.

    Args:
        shared: Where each operation has its weights.
        sgd: Settings of the weights' optimizer. As in `SinglePath`, weights that were
            not drawn stay as they are until they are.
        adam: Settings of the alphas' optimizer.
        first_temperature: Of the softmax in the first step; it falls linearly.
        final_temperature: After the last step.
        seed: Of the first weights and alphas, and of all draws.

    Example:

    >>> from gtn_tf.supernet import SuperNetwork
    >>> network = SuperNetwork("nas_bench_201", (8, 8, 1), 3, cells=0, filters=2)
    >>> search = Gdas(SharedWeights(network), SGD(steps=10), AlphaAdam())
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
        first_temperature: float = 10.0,
        final_temperature: float = 0.1,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self._gated = GatedPath(shared.network)
        self._shared = shared
        self._steps = sgd.steps
        self._temperatures = first_temperature, final_temperature
        self._seed = seed % 2**31
        self.alphas = Alphas(shared.network.choices, adam, seed)
        self._path = SinglePath(shared, sgd, seed)
        self._traced = tf.function(self._train, autograph=False)

    @property
    def genotype(self) -> AnyGenotype:
        """The architecture of the largest alphas."""
        return self._shared.network.decode(self.alphas.picked)

    @property
    def weights(self) -> tf.Variable:
        """Of all operations."""
        return self._path.weights

    @property
    def step(self) -> tf.Variable:
        """How many steps are done."""
        return self._path.step

    def train(self, training: Batch, validation: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        """Takes a step of the alphas, then one of the weights.

        Args:
            training: Images `[batch, h, w, c]` and integers `[batch]`, for the weights.
            validation: The same, for the alphas.

        Returns:
            The losses before the steps, of two architectures: training and validation.
        """
        return self._traced(training, validation)

    def _train(self, training: Batch, validation: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        fold = tf.random.experimental.stateless_fold_in
        seed = fold(tf.constant([self._seed, 2]), self.step)
        values = self.alphas.values.read_value()
        done = tf.cast(self.step, values.dtype) / self._steps
        first, final = self._temperatures
        temperature = first + (final - first) * done
        of_validation, gradient = self.alpha_gradient(
            values, validation, fold(seed, 0), temperature
        )
        self.alphas.move(gradient)
        values = self.alphas.values.read_value()
        logits = self.alphas.logits(values)
        genotype, _ = straight_through(logits, fold(seed, 1), temperature)
        return self._path.train(genotype, *training), of_validation

    def alpha_gradient(
        self,
        alphas: tf.Tensor,
        batch: Batch,
        seed: tf.Tensor,
        temperature: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The loss of a drawn architecture, and its gradient by the alphas.

        Args:
            alphas: `[choices, most]`.
            batch: Images and labels.
            seed: int32 `[2]`.
            temperature: Of the softmax.
        """
        images, labels = batch
        with tf.GradientTape() as tape:
            tape.watch(alphas)
            logits = self.alphas.logits(alphas)
            genotype, gates = straight_through(logits, seed, temperature)
            own = self._shared.of(self.weights, genotype)
            logits = self._gated(own, genotype, gates, images)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        # A network without cells has no alphas.
        return loss, tape.gradient(loss, alphas, unconnected_gradients="zero")


def straight_through(
    alphas: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Draws a value of each choice by softmax of the alphas.

    Args:
        alphas: `[choices, values]`, as `Alphas.logits` gives them.
        seed: int32 `[2]`.
        temperature: Of the softmax that the gradient is of.

    Returns:
        The values, int32 `[choices]`, and gates `[choices]` that are 1, with the
        gradients of the drawn values' weights in the softmax.

    Example:

    >>> drawn, gates = straight_through(tf.eye(3) * 50, tf.constant([0, 1]), 1.0)
    >>> drawn.numpy().tolist(), gates.numpy().tolist()
    ([0, 1, 2], [1.0, 1.0, 1.0])
    """
    smallest = alphas.dtype.as_numpy_dtype(1e-20)
    uniform = tf.random.stateless_uniform(alphas.shape, seed, dtype=alphas.dtype)
    gumbel = -tf.math.log(-tf.math.log(uniform + smallest) + smallest)
    perturbed = tf.nn.log_softmax(alphas) + gumbel
    drawn = tf.argmax(perturbed, 1, tf.int32)
    soft = tf.gather(tf.nn.softmax(perturbed / temperature), drawn, batch_dims=1)
    return drawn, 1 + (soft - tf.stop_gradient(soft))
