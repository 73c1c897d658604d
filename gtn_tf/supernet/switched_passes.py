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

    Args:
        each: The passes of each operation, on one input, weights and statistics.
        input_of: Which of the inputs an operation reads.
        inputs: How many there are.
    """

    def __init__(
        self, each: Sequence[Passes], input_of: Callable[[int], int], inputs: int
    ) -> None:
        self._each = each
        self._input_of = input_of
        self._inputs = inputs
        counts = zip(*(passes.residuals for passes in each))
        self._residuals, self._more = (max(numbers) for numbers in counts)
        self._has_full = each[0].full is not None
        self._has_second = each[0].second is not None
        self._switch_forward, self._switch_backward = map(
            self._switch, (self._forward, self._backward)
        )
        self._switch_full, self._switch_second = map(
            self._switch, (self._full, self._second)
        )

    def _switch(self, run: Callable[..., list[tf.Tensor]]) -> Switch:
        return Switch([functools.partial(run, n) for n in range(len(self._each))])

    def __call__(
        self,
        index: Index,
        weights: tf.Tensor,
        statistics: tf.Tensor,
        *inputs: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Gives the output and the statistics after the call.

        Args:
            index: Of the operation.
            weights: Of the block.
            statistics: Likewise.
            *inputs: Likewise.
        """

        @tf.custom_gradient
        def run(
            weights: tf.Tensor, statistics: tf.Tensor, *inputs: tf.Tensor
        ) -> tuple[Any, Any]:
            # A tape of the caller has nothing to do in here.
            fixed = [*map(tf.stop_gradient, (weights, statistics, *inputs))]
            y, after, *saved = self._switch_forward(index, *fixed)

            def gradient(
                of_y: tf.Tensor, of_after: tf.Tensor
            ) -> list[tf.Tensor | None]:
                if self._has_full and not (self._has_second and _is_zero(of_after)):
                    return self._switch_full(index, *fixed, of_y, of_after, *saved)
                of_weights, *of_inputs = self._gradients(
                    index, weights, statistics, inputs, of_y, saved
                )
                return [of_weights, None, *of_inputs]

            return (y, after), gradient

        return run(weights, statistics, *inputs)

    def _gradients(
        self,
        index: Index,
        weights: tf.Tensor,
        statistics: tf.Tensor,
        inputs: Sequence[tf.Tensor],
        of_y: tf.Tensor,
        saved: Sequence[tf.Tensor],
    ) -> list[tf.Tensor]:
        """Those of weights and inputs, differentiable once more."""

        @tf.custom_gradient
        def run(
            weights: tf.Tensor, of_y: tf.Tensor, *inputs: tf.Tensor
        ) -> tuple[Any, Any]:
            given = [weights, statistics, *inputs, of_y]
            fixed = [*map(tf.stop_gradient, given), *saved]
            found = self._switch_backward(index, *fixed)
            gradients, more = found[: 1 + self._inputs], found[1 + self._inputs :]

            def second(*upstream: tf.Tensor) -> list[tf.Tensor]:
                return self._switch_second(index, *fixed, *more, *upstream)

            return gradients, second

        return run(weights, of_y, *inputs)

    def _forward(
        self, number: int, w: tf.Tensor, s: tf.Tensor, *inputs: tf.Tensor
    ) -> list[tf.Tensor]:
        """Output, statistics and residuals."""
        passes, x = self._each[number], inputs[self._input_of(number)]
        nothing = _nothing(self._residuals - passes.residuals[0], x)
        return [*passes.forward(x, w, s), *nothing]

    def _backward(self, number: int, *given: tf.Tensor) -> list[tf.Tensor]:
        """Gradients of weights and inputs, and residuals."""
        passes, count = self._each[number], 3 + self._inputs
        saved = given[count:][: passes.residuals[0]]
        of_x, of_w, *more = passes.backward(*self._own(number, given), *saved)
        nothing = _nothing(self._more - passes.residuals[1], of_x)
        return [of_w, *self._of_inputs(number, of_x, given), *more, *nothing]

    def _full(self, number: int, *given: tf.Tensor) -> list[tf.Tensor]:
        """Gradients of weights, statistics and inputs."""
        passes, count = self._each[number], 3 + self._inputs
        of_after, *saved = given[count:]
        saved = saved[: passes.residuals[0]]
        assert passes.full is not None
        own = self._own(number, given)
        of_x, of_w, of_s = passes.full(*own, of_after, *saved)
        return [of_w, of_s, *self._of_inputs(number, of_x, given)]

    def _second(self, number: int, *given: tf.Tensor) -> list[tf.Tensor]:
        """Gradients of weights, upstream gradient and inputs."""
        passes, count = self._each[number], 3 + self._inputs
        saved = given[count:][: passes.residuals[0]]
        count += self._residuals
        more = given[count:][: passes.residuals[1]]
        of_w, *of_inputs = given[count + self._more :]
        assert passes.second is not None
        x, w, of_y = passes.second(
            *self._own(number, given),
            *saved,
            *more,
            of_inputs[self._input_of(number)],
            of_w,
        )
        return [w, of_y, *self._of_inputs(number, x, given)]

    def _own(self, number: int, given: Sequence[tf.Tensor]) -> tuple[tf.Tensor, ...]:
        """What an operation takes: its input, weights, statistics and upstream."""
        weights, statistics, *inputs = given[: 2 + self._inputs]
        x = inputs[self._input_of(number)]
        return x, weights, statistics, given[2 + self._inputs]

    def _of_inputs(
        self, number: int, of_x: tf.Tensor, given: Sequence[tf.Tensor]
    ) -> list[tf.Tensor]:
        inputs = given[2 : 2 + self._inputs]
        own = self._input_of(number)
        return [of_x if i == own else tf.zeros_like(x) for i, x in enumerate(inputs)]


def _nothing(count: int, like: tf.Tensor) -> list[tf.Tensor]:
    """In the place of residuals that other operations have."""
    return [tf.zeros([], like.dtype) for _ in range(count)]


def _is_zero(x: tf.Tensor) -> bool:
    """Whether it is known to be zero, as the gradient of what nothing depends on."""
    value = tf.get_static_value(x)
    return value is not None and not value.any()
