"""The passes of one of several operations, picked when the graph runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Union

import tensorflow as tf

from gtn_tf.supernet.vjp import Passes

Index = Union[int, tf.Tensor]


class SwitchedPasses:
    """A differentiable call of the operation that an index picks.

    Each pass of all operations together is traced once.

    Args:
        each: The passes of each operation, on one input, weights and statistics.
        input_of: Which of the inputs an operation reads.
        inputs: How many there are.
        targets: 2 if output and statistics are differentiated, 1 if the statistics are
            constants.
    """

    def __init__(
        self,
        each: Sequence[Passes],
        input_of: Callable[[int], int],
        inputs: int,
        targets: int,
    ) -> None:
        self._each = each
        self._input_of = input_of
        self._inputs = inputs
        self._targets = targets
        self._residuals = max(passes.residuals for passes in each)
        self._twice = each[0].second is not None
        self._traced_forward = tf.function(self._forward, autograph=False)
        # Of a residual or an upstream gradient, the shape may not be known.
        retraced = {"autograph": False, "reduce_retracing": True}
        self._traced_backward = tf.function(self._backward, **retraced)
        self._traced_second = tf.function(self._second, **retraced)

    def __call__(self, index: Index, *given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Gives the output and the statistics after the call.

        Args:
            index: Of the operation.
            *given: Weights, statistics and all inputs.
        """

        @tf.custom_gradient
        def run(*given: tf.Tensor) -> tuple[Any, Any]:
            # A tape of the caller has nothing to do in here.
            fixed = [*map(tf.stop_gradient, given)]
            y, after, *residuals = self._traced_forward(index, *fixed)

            @tf.custom_gradient
            def gradient(*given: tf.Tensor) -> tuple[Any, Any]:
                fixed = [*map(tf.stop_gradient, given)]
                found = self._traced_backward(index, *fixed, *residuals)

                def second(*upstream: tf.Tensor) -> list[tf.Tensor]:
                    return self._traced_second(index, *fixed, *residuals, *upstream)

                return found, second

            def once(*upstream: tf.Tensor) -> list[tf.Tensor | None]:
                if self._twice:
                    return gradient(*given, *upstream)
                args = index, *fixed, *upstream[: self._targets], *residuals
                found = self._traced_backward(*args)
                return found if self._targets == 2 else [found[0], None, *found[1:]]

            return (y, after), once

        return run(*given)

    def _forward(self, index: Index, *given: tf.Tensor) -> list[tf.Tensor]:
        """Output, statistics and residuals."""
        weights, statistics, *inputs = given

        def run(number: int) -> list[tf.Tensor]:
            passes, x = self._each[number], inputs[self._input_of(number)]
            missing = self._residuals - passes.residuals
            nothing = [tf.zeros([], weights.dtype) for _ in range(missing)]
            found = passes.forward(x, weights, statistics)
            return [*found, *map(_of_any_shape, nothing)]

        return pick(index, run, len(self._each))

    def _backward(self, index: Index, *given: tf.Tensor) -> list[tf.Tensor]:
        """Gradients of weights, perhaps statistics, and inputs."""
        inputs, upstream, residuals, _ = self._parts(given)

        def run(number: int) -> list[tf.Tensor]:
            passes, own = self._each[number], self._own(number, inputs)
            saved = map(_of_any_shape, residuals[: passes.residuals])
            of_x, *gradients = passes.backward(*own, *upstream, *saved)
            return [*gradients, *self._of_inputs(number, of_x, inputs)]

        return pick(index, run, len(self._each))

    def _second(self, index: Index, *given: tf.Tensor) -> list[tf.Tensor]:
        """Gradients of all that `_backward` takes but the residuals."""
        inputs, upstream, residuals, second_upstream = self._parts(given)

        def run(number: int) -> list[tf.Tensor]:
            passes, own = self._each[number], self._own(number, inputs)
            saved = map(_of_any_shape, residuals[: passes.residuals])
            of_weights, of_statistics, *of_inputs = second_upstream
            further = of_inputs[self._input_of(number)], of_weights, of_statistics
            assert passes.second is not None
            of_x, of_weights, of_statistics, *of_upstream = passes.second(
                *own, *upstream, *saved, *further
            )
            of_inputs = self._of_inputs(number, of_x, inputs)
            return [of_weights, of_statistics, *of_inputs, *of_upstream]

        return pick(index, run, len(self._each))

    def _parts(self, given: Sequence[tf.Tensor]) -> list[Sequence[tf.Tensor]]:
        """Weights, statistics and inputs; upstream; residuals; second upstream."""
        count = 2 + self._inputs
        sizes = count, self._targets, self._residuals, count
        ends = [sum(sizes[:n]) for n in range(5)]
        return [given[a:b] for a, b in zip(ends, ends[1:])]

    def _own(self, number: int, given: Sequence[tf.Tensor]) -> tuple[tf.Tensor, ...]:
        weights, statistics, *inputs = given
        return inputs[self._input_of(number)], weights, statistics

    def _of_inputs(
        self, number: int, of_x: tf.Tensor, given: Sequence[tf.Tensor]
    ) -> list[tf.Tensor]:
        of_inputs = [tf.zeros_like(one) for one in given[2:]]
        of_inputs[self._input_of(number)] = of_x
        return of_inputs


def pick(index: Index, run: Callable[[int], Any], count: int) -> Any:
    """Calls a function with a number that may be known only when the graph runs.

    Args:
        index: The number.
        run: Gives tensors of the same shapes for all numbers.
        count: Of numbers.
    """
    if isinstance(index, int):
        return run(index)
    return tf.switch_case(index, [functools.partial(run, n) for n in range(count)])


def _of_any_shape(x: tf.Tensor) -> tf.Tensor:
    """The same tensor; that it is of one operation's shape is not to be inferred."""
    return tf.compat.v1.placeholder_with_default(x, None)
