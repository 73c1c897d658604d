"""The unroll that stores each step's state and recomputes the step to go back.

Memory grows with the number of steps only by the learner's own size (weights,
momentum, statistics), never by its activations. The gradient is that of
`nested_tapes`.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from gtn_tf.functional import PureModel
from gtn_tf.inner.step import LearnerState, Lessons, Loss, inner_step

_ZERO = tf.UnconnectedGradients.ZERO

Arrays = list[tf.TensorArray]


def unroll(
    learner: PureModel,
    loss: Loss,
    state: LearnerState,
    lessons: Lessons,
    real: tuple[tf.Tensor, tf.Tensor],
    intermediate_every: int,
) -> tuple[LearnerState, tf.Tensor]:
    """As `nested_tapes.unroll`; arguments and results are the same.

    The gradient reaches the images and the rates of `lessons` and the first weights.
    """
    passes = _Passes(learner, loss, lessons.labels, real, intermediate_every)
    shape = tf.nest.map_structure(lambda _: None, state)

    @tf.custom_gradient
    def run(*flat: tf.Tensor) -> tuple[Any, Any]:
        images, learning_rates, momenta, *rest = flat
        taught = Lessons(images, lessons.labels, learning_rates, momenta)
        first = tf.nest.pack_sequence_as(shape, rest)
        last, total, states, slopes = passes.forward(first, taught)

        def gradient(*upstream: tf.Tensor) -> list[tf.Tensor]:
            *of_state, of_total = upstream
            # Without the dependency, the optimizer could run both passes as one.
            with tf.control_dependencies(upstream):
                return passes.backward(
                    tf.nest.pack_sequence_as(shape, of_state),
                    of_total,
                    taught,
                    states,
                    slopes,
                )

        return [*tf.nest.flatten(last), total], gradient

    *last, total = run(
        lessons.images,
        lessons.learning_rates,
        lessons.momenta,
        *tf.nest.flatten(state),
    )
    return tf.nest.pack_sequence_as(shape, last), total


class _Passes:
    """The way through the steps and the way back."""

    def __init__(
        self,
        learner: PureModel,
        loss: Loss,
        labels: tf.Tensor,
        real: tuple[tf.Tensor, tf.Tensor],
        every: int,
    ) -> None:
        self.learner = learner
        self.loss = loss
        self.labels = labels
        self.real = real
        self.every = every
        self.steps = int(labels.shape[0])

    def forward(self, state: LearnerState, lessons: Lessons) -> tuple[Any, ...]:
        """Returns the last state, the intermediate meta-losses and what `backward`
        needs: each step's state, and each intermediate meta-loss's gradient."""
        states = [_array(self.steps, x) for x in tf.nest.flatten(state)]
        count = (self.steps - 1) // self.every if self.every else 0
        judged = [*state.weights, *state.statistics] if count else []
        slopes = [_array(count, x) for x in judged]

        def body(
            t: tf.Tensor,
            state: LearnerState,
            total: tf.Tensor,
            states: Arrays,
            slopes: Arrays,
        ) -> tuple[tf.Tensor, LearnerState, tf.Tensor, Arrays, Arrays]:
            flat = tf.nest.flatten(state)
            states = [array.write(t, x) for array, x in zip(states, flat)]
            if count:
                total, slopes = tf.cond(
                    self._is_judged(t),
                    lambda: self._judge(t, state, total, slopes),
                    lambda: (total, slopes),
                )
            state = inner_step(
                self.learner, self.loss, state, *(one[t] for one in lessons)
            )
            return t + 1, state, total, states, slopes

        _, state, total, states, slopes = tf.while_loop(
            lambda t, *_: t < self.steps,
            body,
            (0, state, tf.zeros([], lessons.images.dtype), states, slopes),
            maximum_iterations=self.steps,
        )
        return state, total, states, slopes

    def _is_judged(self, t: tf.Tensor) -> tf.Tensor:
        return (t > 0) & (t % self.every == 0)

    def _judge(
        self, t: tf.Tensor, state: LearnerState, total: tf.Tensor, slopes: Arrays
    ) -> tuple[tf.Tensor, Arrays]:
        """Adds the meta-loss of this moment and keeps its gradient for later."""
        images, labels = self.real
        judged = [state.weights, state.statistics]
        with tf.GradientTape() as tape:
            tape.watch(judged)
            logits, _ = self.learner(*judged, images, training=False)
            value = self.loss(labels, logits)
        slope = tf.nest.flatten(tape.gradient(value, judged, None, _ZERO))
        at = t // self.every - 1
        slopes = [array.write(at, x) for array, x in zip(slopes, slope)]
        return total + value, slopes

    def backward(
        self,
        upstream: LearnerState,
        of_total: tf.Tensor,
        lessons: Lessons,
        states: Arrays,
        slopes: Arrays,
    ) -> list[tf.Tensor]:
        """Returns the gradients of images, rates, momenta and first state, flat."""
        shape = tf.nest.map_structure(lambda _: None, upstream)
        taught = [lessons.images, lessons.learning_rates, lessons.momenta]
        of_lessons = [_array(self.steps, one[0]) for one in taught]

        def body(
            t: tf.Tensor, upstream: LearnerState, of_lessons: Arrays
        ) -> tuple[tf.Tensor, LearnerState, Arrays]:
            state = tf.nest.pack_sequence_as(shape, [a.read(t) for a in states])
            images, labels, *rates = (one[t] for one in lessons)
            inputs = [state, images, *rates]
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                after = inner_step(
                    self.learner, self.loss, state, images, labels, *rates
                )
            upstream, *found = tape.gradient(
                after, inputs, tf.nest.flatten(upstream), _ZERO
            )
            of_lessons = [array.write(t, x) for array, x in zip(of_lessons, found)]
            if slopes:
                upstream = tf.cond(
                    self._is_judged(t),
                    lambda: self._add_slope(t, upstream, of_total, slopes),
                    lambda: upstream,
                )
            return t - 1, upstream, of_lessons

        _, upstream, of_lessons = tf.while_loop(
            lambda t, *_: t >= 0,
            body,
            (self.steps - 1, upstream, of_lessons),
            maximum_iterations=self.steps,
        )
        return [array.stack() for array in of_lessons] + tf.nest.flatten(upstream)

    def _add_slope(
        self, t: tf.Tensor, upstream: LearnerState, of_total: tf.Tensor, slopes: Arrays
    ) -> LearnerState:
        weights, velocity, statistics = upstream
        added = [of_total * array.read(t // self.every - 1) for array in slopes]
        of_weights, of_statistics = added[: len(weights)], added[len(weights) :]
        return LearnerState(
            [a + b for a, b in zip(weights, of_weights)],
            velocity,
            [a + b for a, b in zip(statistics, of_statistics)],
        )


def _array(size: int, like: tf.Tensor) -> tf.TensorArray:
    return tf.TensorArray(
        like.dtype, size, element_shape=like.shape, clear_after_read=False
    )
