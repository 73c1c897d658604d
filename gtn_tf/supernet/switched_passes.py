"""The passes of one of several operations, picked when the graph runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.supernet.switch import Index, Switch
from gtn_tf.supernet.vjp import Passes


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
        each_residuals = zip(*(passes.residuals for passes in each))
        self._residuals = [max(counts) for counts in each_residuals]
        self._twice = each[0].second is not None
        self._forwards, self._backwards, self._seconds = (
            Switch([functools.partial(run, n) for n in range(len(each))])
            for run in (self._forward, self._backward, self._second)
        )

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
            y, after, *residuals = self._forwards(index, *fixed)

            @tf.custom_gradient
            def gradient(*given: tf.Tensor) -> tuple[Any, Any]:
                fixed = [*map(tf.stop_gradient, given)]
                results = self._backwards(index, *fixed, *residuals)
                found, more = results[: 2 + self._inputs], results[2 + self._inputs :]

                def second(*upstream: tf.Tensor) -> list[tf.Tensor]:
                    return self._seconds(index, *fixed, *residuals, *more, *upstream)

                return found, second

            def once(*upstream: tf.Tensor) -> list[tf.Tensor | None]:
                if self._twice:
                    return gradient(*given, *upstream)
                args = index, *fixed, *upstream[: self._targets], *residuals
                found = self._backwards(*args)
                return found if self._targets == 2 else [found[0], None, *found[1:]]

            return (y, after), once

        return run(*given)

    def _forward(self, number: int, *given: tf.Tensor) -> list[tf.Tensor]:
        """Output, statistics and residuals."""
        passes, own = self._each[number], self._own(number, given)
        return [*passes.forward(*own), *self._missing(0, number, given[0].dtype)]

    def _backward(self, number: int, *given: tf.Tensor) -> list[tf.Tensor]:
        """Gradients of weights, perhaps statistics, and inputs."""
        inputs, upstream, residuals, *_ = self._parts(given)
        passes, own = self._each[number], self._own(number, inputs)
        saved = residuals[: passes.residuals[0]]
        of_x, *found = passes.backward(*own, *upstream, *saved)
        count = len(found) - passes.residuals[1]
        gradients, more = found[:count], found[count:]
        missing = self._missing(1, number, of_x.dtype)
        return [*gradients, *self._of_inputs(number, of_x, inputs), *more, *missing]

    def _second(self, number: int, *given: tf.Tensor) -> list[tf.Tensor]:
        """Gradients of all that `_backward` takes but the residuals."""
        inputs, upstream, residuals, more, second_upstream = self._parts(given)
        passes, own = self._each[number], self._own(number, inputs)
        saved = *residuals[: passes.residuals[0]], *more[: passes.residuals[1]]
        of_weights, of_statistics, *of_inputs = second_upstream
        further = of_inputs[self._input_of(number)], of_weights, of_statistics
        assert passes.second is not None
        of_x, of_weights, of_statistics, *of_upstream = passes.second(
            *own, *upstream, *saved, *further
        )
        of_inputs = self._of_inputs(number, of_x, inputs)
        return [of_weights, of_statistics, *of_inputs, *of_upstream]

    def _parts(self, given: Sequence[tf.Tensor]) -> list[Sequence[tf.Tensor]]:
        """Weights, statistics and inputs; upstream; residuals; second upstream."""
        count = 2 + self._inputs
        sizes = count, self._targets, *self._residuals, count
        ends = [sum(sizes[:n]) for n in range(len(sizes) + 1)]
        return [given[a:b] for a, b in zip(ends, ends[1:])]

    def _missing(self, which: int, number: int, dtype: tf.DType) -> list[tf.Tensor]:
        """Residuals of other operations."""
        missing = self._residuals[which] - self._each[number].residuals[which]
        return [tf.zeros([], dtype) for _ in range(missing)]

    def _own(self, number: int, given: Sequence[tf.Tensor]) -> tuple[tf.Tensor, ...]:
        weights, statistics, *inputs = given
        return inputs[self._input_of(number)], weights, statistics

    def _of_inputs(
        self, number: int, of_x: tf.Tensor, given: Sequence[tf.Tensor]
    ) -> list[tf.Tensor]:
        of_inputs = [tf.zeros_like(one) for one in given[2:]]
        of_inputs[self._input_of(number)] = of_x
        return of_inputs
