"""A meta-iteration: teach and test learners, compute the teacher's gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from gtn_tf.data import Augmentation
from gtn_tf.errors import ArgumentError
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
    WINDOW,
    LearnerPool,
    fold,
    replica,
)
from gtn_tf.persistent_learners import PersistentLearners
from gtn_tf.teachers import Teacher

_AUGMENTATION = -2  # use of a seed; learners are numbered from 0


class _Beginning(NamedTuple):
    """What a meta-iteration begins with."""

    learners: tf.Tensor  # the seed of their networks and first weights
    lessons: tf.Tensor  # the seed of the batches that are differentiated
    steps: slice | None  # the inner steps of these batches; None for all steps
    before: InnerInputs | None  # of the steps to be taken before; None for no step


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
        persistent: Learners that live on between meta-iterations, if there are any.
        augmentation: Of lessons, and of the real batches of meta-training.
    """

    teacher: Teacher
    inner_optimizer: InnerOptimizer
    pool: LearnerPool
    estimator: Estimator
    unroll: Unroll
    loss: Loss
    persistent: PersistentLearners | None = None
    augmentation: Augmentation = Augmentation()

    def inner_inputs(self, seed: tf.Tensor, steps: slice | None = None) -> InnerInputs:
        """Batches and hyperparameters of inner steps.

        Args:
            seed: int32 `[2]`, of the batches.
            steps: Which inner steps; all by default.
        """
        hyper = self.inner_optimizer.hyperparameters()
        numbers = tf.range(self.teacher.steps)
        if steps is None:
            images, labels = self.teacher.batches(seed)
        else:
            numbers = numbers[steps]
            images, labels = self.teacher.batch(steps, seed)
            hyper = {name: values[steps] for name, values in hyper.items()}
        return InnerInputs(self._augmented(images, seed, numbers), labels, hyper)

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
        """The meta-gradient of one fresh learner.

        Args:
            index: Which network of the pool.
            weights: Its initial weights.
            real: Images, labels and sample weights, if any, of the meta-loss.
            seed: int32 `[2]`, of the batches and, if it is drawn, the architecture.
            variables: Variables of the teacher and the inner optimizer.

        Returns:
            The estimator's result, and one gradient for each variable.
        """
        steps, before = self._of_fresh(seed)
        with tf.GradientTape() as tape:
            inputs = self._differentiated(seed, steps)
        real = self._as_last_lesson(real, seed, steps, inputs)
        network = self.pool.network(index, seed)
        found = self._estimate(network, weights, before, inputs, real)
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
        begin = self._begin(iteration)
        with tf.GradientTape() as tape:
            inputs = self._differentiated(begin.lessons, begin.steps)
            inputs = self.estimator.inputs_at(iteration, inputs)
        real = self._as_last_lesson(real, begin.lessons, begin.steps, inputs)

        def zeros() -> MetaGradient:
            images = tf.shape(real[1])[0]
            return MetaGradient.zeros(inputs, images, self.teacher.num_classes)

        def of_learner(
            number: tf.Tensor, network: PureNetwork, weights: Sequence[tf.Tensor]
        ) -> MetaGradient:
            if self.persistent is None:
                return self._estimate(network, weights, begin.before, inputs, real)
            learner = iteration, number, network, weights
            return self._go_on(*learner, begin.before, inputs, real)

        found, logits = self.pool.mean_over_learners(
            begin.learners, count, of_learner, zeros
        )
        if self.persistent is not None:
            self.persistent.grow_older(iteration, tf.math.is_finite(found.meta_loss))
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

    def _begin(self, iteration: tf.Tensor) -> _Beginning:
        """What a meta-iteration, counted from 0, begins with."""
        drawn = self.pool.seed(TRAINING, iteration)
        if self.persistent is None:
            return _Beginning(drawn, drawn, *self._of_fresh(drawn))
        estimator = self.persistent.estimator
        born, age = self.persistent.at(iteration)
        learners = self.pool.seed(TRAINING, born)
        lessons = drawn if estimator.draws_lessons else learners
        steps = estimator.steps_at(age, fold(lessons, WINDOW), self.teacher.steps)
        taken = estimator.steps_before(age)
        before = None if taken is None else self.inner_inputs(learners, taken)
        return _Beginning(learners, lessons, steps, before)

    def _of_fresh(self, seed: tf.Tensor) -> tuple[slice | None, InnerInputs | None]:
        """Which inner steps of fresh learners are differentiated, and those before."""
        steps = self.estimator.steps_of_fresh(fold(seed, WINDOW), self.teacher.steps)
        if steps is None or not tf.is_tensor(steps.start):
            return steps, None  # from the first step on
        return steps, self.inner_inputs(seed, slice(0, steps.start))

    def _differentiated(self, seed: tf.Tensor, steps: slice | None) -> InnerInputs:
        """The inputs of the steps that are differentiated, with their number known."""
        inputs = self.inner_inputs(seed, steps)
        if steps is None:
            return inputs
        count = self.estimator.window_of(self.teacher.steps)
        return tf.nest.map_structure(
            lambda one: tf.ensure_shape(one, [count, *one.shape[1:]]), inputs
        )

    def _as_last_lesson(
        self, real: Real, seed: tf.Tensor, steps: slice | None, inputs: InnerInputs
    ) -> Real:
        """A real batch, augmented as the last lesson of these inputs."""
        if self.augmentation.is_none:
            return real
        images = tf.ensure_shape(real[0], [None, *self.teacher.image_shape])
        first = 0 if steps is None else steps.start
        last = first + tf.shape(inputs.labels)[:1] - 1
        return self._augmented(images[tf.newaxis], seed, last)[0], *real[1:]

    def _augmented(
        self, batches: tf.Tensor, seed: tf.Tensor, steps: tf.Tensor
    ) -> tf.Tensor:
        if self.augmentation.is_none:
            return batches
        return self.augmentation(batches, fold(seed, _AUGMENTATION), steps)

    def _estimate(
        self,
        network: PureNetwork,
        weights: Sequence[tf.Tensor],
        before: InnerInputs | None,
        inputs: InnerInputs,
        real: Real,
    ) -> MetaGradient:
        """The meta-gradient of a fresh learner."""
        loop = self.inner_loop(network)
        state = init_state(loop, weights)
        if before is not None:
            state = train(loop, state, before)
        return self.estimator.estimate(self.unroll, loop, state, inputs, real)

    def _go_on(
        self,
        iteration: tf.Tensor,
        number: tf.Tensor,
        network: PureNetwork,
        weights: Sequence[tf.Tensor],
        before: InnerInputs | None,
        inputs: InnerInputs,
        real: Real,
    ) -> MetaGradient:
        """The meta-gradient of a learner that lives on."""
        assert self.persistent is not None
        loop = self.inner_loop(network)
        fresh = init_state(loop, weights)
        state = self.persistent.state(iteration, number, fresh)
        if before is not None:
            state = train(loop, state, before)
        go_on = self.persistent.estimator.go_on
        state, found = go_on(self.unroll, loop, state, inputs, real)
        self.persistent.keep(iteration, number, state)
        return found


def expect_fitting_parts(
    teacher: Teacher,
    inner_optimizer: InnerOptimizer,
    estimator: Estimator,
    unroll: str,
    learners_per_iteration: int,
) -> None:
    """Checks that meta-iterations can be made of these parts.

    Args:
        teacher: What feeds the learners.
        inner_optimizer: The learners' optimizer.
        estimator: Estimates the meta-gradient.
        unroll: How it is computed, a name or `"auto"`.
        learners_per_iteration: Learners whose meta-gradients are averaged.

    Raises:
        ArgumentError: If not.
    """
    if teacher.steps != inner_optimizer.steps:
        raise ArgumentError(
            "expected as many steps of the inner optimizer as of the teacher, "
            f"{teacher.steps}, received {inner_optimizer.steps}"
        )
    estimator.check(teacher.steps, unroll)
    if learners_per_iteration < 1:
        raise ArgumentError(
            "learners_per_iteration: expected at least 1, "
            f"received {learners_per_iteration}"
        )


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
        target=inputs.differentiable,
        sources=variables,
        output_gradients=found.gradients,
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )
