"""The unroll that stores each step's state and recomputes its activations.

Each step adds only the learner's state to memory (weights, optimizer state,
statistics), not its activations. The gradient is that of `nested_tapes`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from gtn_tf.inner.optimizers.base import OptimizerState
from gtn_tf.inner.state import InnerInputs, InnerLoop, LearnerState, Real
from gtn_tf.inner.step import inner_gradient, inner_step, meta_loss

_ZERO = tf.UnconnectedGradients.ZERO

# Steps that may run at once: the backward pass recomputes the next one while it
# differentiates this one. TensorFlow's default of 10 would store far more.
_AHEAD = 2

Arrays = list[tf.TensorArray]


class Residuals(NamedTuple):
    """What the forward pass saves for the backward pass."""

    states: Arrays  # weights, optimizer state and statistics before each step, flat
    # Of each intermediate meta-loss, with respect to weights and statistics.
    gradients: Arrays


def unroll(
    loop: InnerLoop,
    state: LearnerState,
    inputs: InnerInputs,
    real: Real,
    intermediate_every: int,
) -> tuple[LearnerState, tf.Tensor]:
    """An `Unroll` with a backward pass of its own."""
    passes = _Passes(loop, inputs.labels, real, intermediate_every)
    differentiable = inputs.differentiable, state

    @tf.custom_gradient
    def run(*flat: tf.Tensor) -> tuple[Any, Any]:
        learned, first = tf.nest.pack_sequence_as(differentiable, flat)
        given = inputs._replace(**learned)
        last, total, residuals = passes.forward(first, given)

        def gradient(*upstream: tf.Tensor) -> list[tf.Tensor]:
            *flat_last, grad_total = upstream
            grad_last = tf.nest.pack_sequence_as(state, flat_last)
            # Without the dependency, TensorFlow could merge both passes.
            with tf.control_dependencies(upstream):
                return passes.backward(grad_last, grad_total, given, last, residuals)

        return [*tf.nest.flatten(last), total], gradient

    *last, total = run(*tf.nest.flatten(differentiable))
    return tf.nest.pack_sequence_as(state, last), total


class _Passes:
    """The forward and the backward pass."""

    def __init__(
        self, loop: InnerLoop, labels: tf.Tensor, real: Real, every: int
    ) -> None:
        self.loop = loop
        self.real = real
        self.every = every
        # The number of steps may be unknown until the graph runs.
        self.steps = labels.shape[0] or tf.shape(labels)[0]

    def forward(
        self, state: LearnerState, inputs: InnerInputs
    ) -> tuple[LearnerState, tf.Tensor, Residuals]:
        """Returns last state, sum of intermediate meta-losses, and residuals."""
        tested = [state.weights, *state.statistics] if self.every else []
        residuals = Residuals(
            [_array(self.steps, x) for x in tf.nest.flatten(state)],
            [_array((self.steps - 1) // self.every, x) for x in tested],
        )

        def body(
            t: tf.Tensor, state: LearnerState, total: tf.Tensor, residuals: Residuals
        ) -> tuple[tf.Tensor, LearnerState, tf.Tensor, Residuals]:
            states = _write(residuals.states, t, tf.nest.flatten(state))
            gradients = residuals.gradients
            if self.every:
                total, gradients = tf.cond(
                    self._has_meta_loss(t),
                    lambda: self._add_meta_loss(t, state, total, gradients),
                    lambda: (total, gradients),
                )
            state = inner_step(self.loop, state, inputs.at(t))
            return t + 1, state, total, Residuals(states, gradients)

        _, state, total, residuals = tf.while_loop(
            lambda t, *_: t < self.steps,
            body,
            (0, state, tf.zeros([], inputs.images.dtype), residuals),
            parallel_iterations=_AHEAD,
            maximum_iterations=self.steps,
        )
        return state, total, residuals

    def _has_meta_loss(self, t: tf.Tensor) -> tf.Tensor:
        return (t > 0) & (t % self.every == 0)

    def _add_meta_loss(
        self, t: tf.Tensor, state: LearnerState, total: tf.Tensor, gradients: Arrays
    ) -> tuple[tf.Tensor, Arrays]:
        """Adds the meta-loss before step t and stores its gradient for later."""
        inputs = [state.weights, *state.statistics]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            value, _ = meta_loss(self.loop, state, self.real)
        gradient = tape.gradient(value, inputs, unconnected_gradients=_ZERO)
        return total + value, _write(gradients, t // self.every - 1, gradient)

    def backward(
        self,
        grad_state: LearnerState,
        grad_total: tf.Tensor,
        inputs: InnerInputs,
        last: LearnerState,
        residuals: Residuals,
    ) -> list[tf.Tensor]:
        """Returns the gradients of the inner inputs and of the first state, flat."""
        learned = tf.nest.flatten(inputs.differentiable)
        arrays = [_array(self.steps, x[0]) for x in learned]

        def body(
            t: tf.Tensor,
            grad_state: LearnerState,
            optimizer_state: OptimizerState,
            arrays: Arrays,
        ) -> tuple[tf.Tensor, LearnerState, OptimizerState, Arrays]:
            before = [array.read(t) for array in residuals.states]
            state = tf.nest.pack_sequence_as(grad_state, before)
            grad_state, grad_inputs = self._step_back(
                state, optimizer_state, grad_state, inputs.at(t)
            )
            arrays = _write(arrays, t, tf.nest.flatten(grad_inputs))
            if self.every:
                grad_state = tf.cond(
                    self._has_meta_loss(t),
                    lambda: self._add_gradient(
                        t, grad_state, grad_total, residuals.gradients
                    ),
                    lambda: grad_state,
                )
            return t - 1, grad_state, state.optimizer_state, arrays

        _, grad_state, _, arrays = tf.while_loop(
            lambda t, *_: t >= 0,
            body,
            (self.steps - 1, grad_state, last.optimizer_state, arrays),
            parallel_iterations=_AHEAD,
            maximum_iterations=self.steps,
        )
        return [array.stack() for array in arrays] + tf.nest.flatten(grad_state)

    def _step_back(
        self,
        state: LearnerState,
        optimizer_state: OptimizerState,
        grad_state: LearnerState,
        inputs: InnerInputs,
    ) -> tuple[LearnerState, dict[str, Any]]:
        """The transposed derivative of one inner step.

        Args:
            state: Before the step.
            optimizer_state: After the step.
            grad_state: Gradient with respect to the state after the step.
            inputs: Of this step.

        Returns:
            The gradients with respect to the state before the step and, by field, the
            inputs.
        """
        if self.loop.optimizer.transpose is None:
            return self._step_back_by_tape(state, grad_state, inputs)
        grad = self.loop.optimizer.transpose(
            state.optimizer_state,
            optimizer_state,
            inputs.hyperparameters,
            grad_state.weights,
            grad_state.optimizer_state,
        )
        batch = inputs.differentiable
        del batch["hyperparameters"]
        sources = state.weights, state.statistics, batch
        with tf.GradientTape() as tape:
            tape.watch(sources)
            outputs = inner_gradient(
                self.loop, state.weights, state.statistics, inputs.images, inputs.labels
            )
        grad_weights, grad_statistics, grad_batch = tape.gradient(
            outputs, sources, [grad.gradient, *grad_state.statistics], _ZERO
        )
        before = LearnerState(
            grad.weights + grad_weights, grad.optimizer_state, grad_statistics
        )
        return before, {**grad_batch, "hyperparameters": grad.hyperparameters}

    def _step_back_by_tape(
        self, state: LearnerState, grad_state: LearnerState, inputs: InnerInputs
    ) -> tuple[LearnerState, dict[str, Any]]:
        sources = state, inputs.differentiable
        with tf.GradientTape() as tape:
            tape.watch(sources)
            after = inner_step(self.loop, state, inputs)
        flat = tf.nest.flatten(grad_state)
        return tape.gradient(after, sources, flat, _ZERO)

    def _add_gradient(
        self,
        t: tf.Tensor,
        grad_state: LearnerState,
        grad_total: tf.Tensor,
        gradients: Arrays,
    ) -> LearnerState:
        """Adds the gradient of the meta-loss before step t."""
        added = [grad_total * array.read(t // self.every - 1) for array in gradients]
        grad_weights, *grad_statistics = added
        return LearnerState(
            grad_state.weights + grad_weights,
            grad_state.optimizer_state,
            [a + b for a, b in zip(grad_state.statistics, grad_statistics)],
        )


def _array(size: int, like: tf.Tensor) -> tf.TensorArray:
    return tf.TensorArray(
        like.dtype, size, element_shape=like.shape, clear_after_read=False
    )


def _write(arrays: Arrays, at: tf.Tensor, values: list[tf.Tensor]) -> Arrays:
    return [array.write(at, value) for array, value in zip(arrays, values)]
