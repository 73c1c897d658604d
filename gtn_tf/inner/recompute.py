"""The unroll that stores each step's state and recomputes the step to go back.

Memory grows with the number of steps only by the learner's own size (weights,
velocity, statistics), never by its activations. The gradient is that of
`nested_tapes`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from gtn_tf.functional import PureModel
from gtn_tf.inner.step import (
    LearnerState,
    Lessons,
    Loss,
    Real,
    inner_gradient,
    inner_step,
    meta_loss,
)

_ZERO = tf.UnconnectedGradients.ZERO

# Steps that may be under way at once: the way back recomputes the next one while it
# differentiates this one. TensorFlow's 10 would hold the activations of them all.
_AHEAD = 2

Arrays = list[tf.TensorArray]


class Trace(NamedTuple):
    """What the way through the steps leaves for the way back."""

    states: Arrays  # weights, velocity and statistics before each step, flat
    slopes: Arrays  # of each intermediate meta-loss, by weights and statistics


def unroll(
    learner: PureModel,
    loss: Loss,
    state: LearnerState,
    lessons: Lessons,
    real: Real,
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
        last, total, trace = passes.forward(first, taught)

        def gradient(*upstream: tf.Tensor) -> list[tf.Tensor]:
            *of_state, of_total = upstream
            of_last = tf.nest.pack_sequence_as(shape, of_state)
            # Without the dependency, the optimizer could run both passes as one.
            with tf.control_dependencies(upstream):
                return passes.backward(of_last, of_total, taught, last, trace)

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
        real: Real,
        every: int,
    ) -> None:
        self.learner = learner
        self.loss = loss
        self.labels = labels
        self.real = real
        self.every = every
        # The number of steps may be known only when the graph runs.
        self.steps = labels.shape[0] or tf.shape(labels)[0]

    def forward(
        self, state: LearnerState, lessons: Lessons
    ) -> tuple[LearnerState, tf.Tensor, Trace]:
        """Returns the last state, the sum of intermediate meta-losses, the trace."""
        slopes = [state.weights, *state.statistics] if self.every else []
        trace = Trace(
            [_array(self.steps, x) for x in tf.nest.flatten(state)],
            [_array((self.steps - 1) // self.every, x) for x in slopes],
        )

        def body(
            t: tf.Tensor, state: LearnerState, total: tf.Tensor, trace: Trace
        ) -> tuple[tf.Tensor, LearnerState, tf.Tensor, Trace]:
            states = _write(trace.states, t, tf.nest.flatten(state))
            slopes = trace.slopes
            if self.every:
                total, slopes = tf.cond(
                    self._is_judged(t),
                    lambda: self._judge(t, state, total, slopes),
                    lambda: (total, slopes),
                )
            state = inner_step(
                self.learner, self.loss, state, *(one[t] for one in lessons)
            )
            return t + 1, state, total, Trace(states, slopes)

        _, state, total, trace = tf.while_loop(
            lambda t, *_: t < self.steps,
            body,
            (0, state, tf.zeros([], lessons.images.dtype), trace),
            parallel_iterations=_AHEAD,
            maximum_iterations=self.steps,
        )
        return state, total, trace

    def _is_judged(self, t: tf.Tensor) -> tf.Tensor:
        return (t > 0) & (t % self.every == 0)

    def _judge(
        self, t: tf.Tensor, state: LearnerState, total: tf.Tensor, slopes: Arrays
    ) -> tuple[tf.Tensor, Arrays]:
        """Adds the meta-loss of this moment and keeps its gradient for later."""
        judged = [state.weights, *state.statistics]
        with tf.GradientTape() as tape:
            tape.watch(judged)
            value, _ = meta_loss(self.learner, self.loss, state, self.real)
        slope = tape.gradient(value, judged, unconnected_gradients=_ZERO)
        return total + value, _write(slopes, t // self.every - 1, slope)

    def backward(
        self,
        upstream: LearnerState,
        of_total: tf.Tensor,
        lessons: Lessons,
        last: LearnerState,
        trace: Trace,
    ) -> list[tf.Tensor]:
        """Returns the gradients of images, rates, momenta and first state, flat."""
        shape = tf.nest.map_structure(lambda _: None, upstream)
        taught = [lessons.images, lessons.learning_rates, lessons.momenta]
        of_lessons = [_array(self.steps, one[0]) for one in taught]

        def body(
            t: tf.Tensor,
            upstream: LearnerState,
            velocity: tf.Tensor,
            of_lessons: Arrays,
        ) -> tuple[tf.Tensor, LearnerState, tf.Tensor, Arrays]:
            before = [array.read(t) for array in trace.states]
            state = tf.nest.pack_sequence_as(shape, before)
            upstream, of_lesson = self._step_back(
                state, velocity, upstream, Lessons(*(one[t] for one in lessons))
            )
            of_lessons = _write(of_lessons, t, of_lesson)
            if self.every:
                upstream = tf.cond(
                    self._is_judged(t),
                    lambda: self._add_slope(t, upstream, of_total, trace.slopes),
                    lambda: upstream,
                )
            return t - 1, upstream, state.velocity, of_lessons

        _, upstream, _, of_lessons = tf.while_loop(
            lambda t, *_: t >= 0,
            body,
            (self.steps - 1, upstream, last.velocity, of_lessons),
            parallel_iterations=_AHEAD,
            maximum_iterations=self.steps,
        )
        return [array.stack() for array in of_lessons] + tf.nest.flatten(upstream)

    def _step_back(
        self,
        state: LearnerState,
        velocity: tf.Tensor,
        upstream: LearnerState,
        lesson: Lessons,
    ) -> tuple[LearnerState, list[tf.Tensor]]:
        """The transposed derivative of one inner step.

        The update `v' = m v + g; w' = w - r v'` is transposed by hand: it needs the
        stored velocity `v'`, so that only the gradient g goes through a tape.

        Args:
            state: Before the step.
            velocity: After the step, `v'`.
            upstream: The meta-loss's gradient by the state after the step.
            lesson: One batch and its rates.

        Returns:
            The gradient by the state before the step, and by image, rate and
            momentum.
        """
        images, labels, rate, momentum = lesson
        of_velocity = upstream.velocity - rate * upstream.weights  # by v'
        inputs = [state.weights, state.statistics, images]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = inner_gradient(
                self.learner, self.loss, state.weights, state.statistics, images, labels
            )
        of_weights, of_statistics, of_images = tape.gradient(
            outputs, inputs, [of_velocity, *upstream.statistics], _ZERO
        )
        of_rate = -tf.reduce_sum(upstream.weights * velocity)
        of_momentum = tf.reduce_sum(of_velocity * state.velocity)
        before = LearnerState(
            upstream.weights + of_weights, momentum * of_velocity, of_statistics
        )
        return before, [of_images, of_rate, of_momentum]

    def _add_slope(
        self, t: tf.Tensor, upstream: LearnerState, of_total: tf.Tensor, slopes: Arrays
    ) -> LearnerState:
        added = [of_total * array.read(t // self.every - 1) for array in slopes]
        of_weights, *of_statistics = added
        return LearnerState(
            upstream.weights + of_weights,
            upstream.velocity,
            [a + b for a, b in zip(upstream.statistics, of_statistics)],
        )


def _array(size: int, like: tf.Tensor) -> tf.TensorArray:
    return tf.TensorArray(
        like.dtype, size, element_shape=like.shape, clear_after_read=False
    )


def _write(arrays: Arrays, at: tf.Tensor, values: list[tf.Tensor]) -> Arrays:
    return [array.write(at, value) for array, value in zip(arrays, values)]
