"""A meta-iteration: teach and test learners, compute the teacher's gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow as tf

from gtn_tf.functional import PureNetwork
from gtn_tf.inner import (
    Estimator,
    InnerInputs,
    InnerLoop,
    InnerOptimizer,
    LearnerState,
    Loss,
    MetaGradient,
    Real,
    Unroll,
    init_state,
    logits_of,
    train,
)
from gtn_tf.learners.pool import (
    TEACHING,
    TRAINING,
    VALIDATION,
    LearnerPool,
    fold,
    replica,
)
from gtn_tf.teachers import Teacher


@dataclass(frozen=True, eq=False)
class MetaIteration:
    """What `GTN` computes, as functions of tensors.

    Args:
        teacher: What feeds the learners.
        inner_optimizer: The learners' optimizer.
        pool: The networks.
        estimator: Estimates the meta-gradient.
        unroll: From `choose_unroll`.
        loss: The learners' loss and the meta-loss.
    """

    teacher: Teacher
    inner_optimizer: InnerOptimizer
    pool: LearnerPool
    estimator: Estimator
    unroll: Unroll
    loss: Loss

    def inner_inputs(self, seed: tf.Tensor) -> InnerInputs:
        """Batches and hyperparameters of all inner steps.

        Args:
            seed: int32 `[2]`, of the batches.
        """
        hyperparameters = self.inner_optimizer.hyperparameters()
        return InnerInputs(*self.teacher.batches(seed), hyperparameters)

    def inner_loop(self, learner: PureNetwork) -> InnerLoop:
        """The inner loop of a network of the pool."""
        return InnerLoop(learner, self.loss, self.inner_optimizer)

    def gradient(
        self,
        index: int,
        weights: Sequence[tf.Tensor],
        real: Real,
        seed: tf.Tensor,
        variables: Sequence[tf.Variable],
    ) -> tuple[MetaGradient, list[tf.Tensor]]:
        """The meta-gradient of one learner through all inner steps.

        Args:
            index: Which network of the pool.
            weights: Its initial weights.
            real: Images, labels and sample weights, if any, of the meta-loss.
            seed: int32 `[2]`, of the batches and, if it is drawn, the architecture.
            variables: Variables of the teacher and the inner optimizer.

        Returns:
            The estimator's result, and one gradient for each variable.
        """
        with tf.GradientTape() as tape:
            inputs = self.inner_inputs(seed)
        found = self._estimate(self.pool.network(index, seed), weights, inputs, real)
        return found, _of_variables(tape, variables, inputs, found)

    def mean_gradient(
        self,
        iteration: tf.Tensor,
        count: int,
        real: Real,
        variables: Sequence[tf.Variable],
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """The mean meta-gradient of several random learners of this replica.

        Args:
            iteration: Integer scalar, counted from 0.
            count: How many learners.
            real: Images, labels and sample weights, if any, of the meta-loss.
            variables: Variables of the teacher and the inner optimizer.

        Returns:
            The mean meta-loss, the logits `[count, n, num_classes]`, and one gradient
            for each variable.
        """
        seed = self.pool.seed(TRAINING, iteration)
        with tf.GradientTape() as tape:
            inputs = self.estimator.inputs_at(iteration, self.inner_inputs(seed))

        def zeros() -> MetaGradient:
            images = tf.shape(real[1])[0]
            return MetaGradient.zeros(inputs, images, self.teacher.num_classes)

        found, logits = self.pool.mean_over_learners(
            seed,
            count,
            lambda learner, weights: self._estimate(learner, weights, inputs, real),
            zeros,
        )
        return found.meta_loss, logits, _of_variables(tape, variables, inputs, found)

    def validation_logits(
        self, number: tf.Tensor, iteration: tf.Tensor, images: tf.Tensor
    ) -> tf.Tensor:
        """The logits `[n, num_classes]` of a random learner, after teaching.

        Args:
            number: Integer scalar; each gives another learner. Replicas test the
                learners of this number and of those after it.
            iteration: The meta-iteration whose inner steps it takes.
            images: Real ones, `[n, h, w, c]`.
        """
        number = tf.cast(number, tf.int32) + replica()
        seed = self.pool.seed(VALIDATION, number)
        inputs = self.estimator.inputs_at(iteration, self.inner_inputs(seed))

        def logits(learner: PureNetwork, weights: Sequence[tf.Tensor]) -> tf.Tensor:
            loop = self.inner_loop(learner)
            state = train(loop, init_state(loop, weights), inputs)
            return logits_of(learner, state, images)

        return self.pool.with_random_learner(fold(seed, 0), logits, held_out=True)

    def teach(
        self, index: int, number: tf.Tensor, steps: tf.Tensor | None = None
    ) -> LearnerState:
        """Teaches a fresh learner.

        Args:
            index: Which network of the pool.
            number: Integer scalar; each gives another learner.
            steps: Inner steps, an integer scalar; all of the teacher's by default.

        Returns:
            The learner's state after the last of these steps.
        """
        seed = self.pool.seed(TEACHING, number)
        network, weights = self.pool.draw(index, seed, held_out=True)
        loop = self.inner_loop(network)
        inputs = self.inner_inputs(seed).at(slice(steps))
        return train(loop, init_state(loop, weights), inputs)

    def taught_network(self, index: int, number: tf.Tensor) -> PureNetwork:
        """The network that `teach` trains.

        Args:
            index: Which network of the pool.
            number: As for `teach`.
        """
        seed = self.pool.seed(TEACHING, number)
        return self.pool.network(index, seed, held_out=True)

    def _estimate(
        self,
        learner: PureNetwork,
        weights: Sequence[tf.Tensor],
        inputs: InnerInputs,
        real: Real,
    ) -> MetaGradient:
        loop = self.inner_loop(learner)
        state = init_state(loop, weights)
        return self.estimator.estimate(self.unroll, loop, state, inputs, real)


def _of_variables(
    tape: tf.GradientTape,
    variables: Sequence[tf.Variable],
    inputs: InnerInputs,
    found: MetaGradient,
) -> list[tf.Tensor]:
    """The gradient with respect to variables, by the chain rule.

    Args:
        tape: Has recorded how the inner inputs depend on the variables.
        variables: Variables of the teacher and the inner optimizer.
        inputs: The inner inputs.
        found: The gradient with respect to them.
    """
    return tape.gradient(
        target=[inputs.images, inputs.hyperparameters],
        sources=variables,
        output_gradients=[found.grad_images, found.grad_hyperparameters],
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )
