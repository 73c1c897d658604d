"""A place of a super-network where one of several operations runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Union

import tensorflow as tf

from gtn_tf.supernet.operation import Channels, Operation
from gtn_tf.supernet.vjp import ForwardBackward

Index = Union[int, tf.Tensor]


class ChoiceBlock:
    """Operations of which an index picks one (Guo et al. 2020, arXiv 1904.00420).

    Their outputs have the same shape, and their weights take the same slot of the
    network's vector, which is as long as the longest of them. What a block does is
    traced once, however many places of a network it has.

    Args:
        *operations: For each input that the block may read, as many operations.
        inputs: How many inputs it may read; the operation decides which.
    """

    def __init__(self, *operations: Operation, inputs: int = 1) -> None:
        self.operations = operations
        self.size = max(operation.size for operation in operations)
        self.statistics_size = max(o.statistics_size for o in operations)
        self._for_each = len(operations) // inputs
        self._infer = _shared(self._without_training)
        self._traced_fresh = _shared(self._fresh)
        self._passes: dict[Any, ForwardBackward] = {}

    def __call__(
        self,
        index: Index,
        inputs: Sequence[tf.Tensor],
        weights: tf.Tensor,
        statistics: tf.Tensor,
        training: bool,
        clipnorm: float | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs the operation that is picked, and no other.

        Args:
            index: Of the operation.
            inputs: Each `[batch, h, w, c]`.
            weights: `[size]`.
            statistics: `[statistics_size]`.
            training: As for Keras.
            clipnorm: What the gradient of each weight tensor is cut to.

        Returns:
            The output, and the statistics after the call.
        """
        if not training:
            return self._infer(index, weights, statistics, *inputs)
        return self._train(index, weights, statistics, inputs, clipnorm)

    def pick(self, index: Index, run: Callable[[Operation], Any]) -> Any:
        """Calls a function on the operation that is picked.

        Args:
            index: Of the operation.
            run: Gives tensors of the same shapes for all operations.
        """
        return self._pick(index, lambda number: run(self.operations[number]))

    def fresh(self, index: Index, seed: tf.Tensor, channels: Channels) -> tf.Tensor:
        """Draws weights, `[size]`.

        Args:
            index: Of the operation.
            seed: int32 `[2]`.
            channels: Of the input, if they may differ.
        """
        return self._traced_fresh(index, seed, channels)

    def fresh_statistics(self, index: Index) -> tf.Tensor:
        """The statistics before the first step, `[statistics_size]`.

        Args:
            index: Of the operation.
        """
        size = self.statistics_size
        return self.pick(index, lambda o: o.join(o.fresh_statistics(), size))

    def _fresh(self, index: Index, seed: tf.Tensor, channels: Channels) -> tf.Tensor:
        return self.pick(index, lambda o: o.join(o.fresh(seed, channels), self.size))

    def _without_training(
        self,
        index: Index,
        weights: tf.Tensor,
        statistics: tf.Tensor,
        *inputs: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        def run(number: int) -> tuple[tf.Tensor, tf.Tensor]:
            x = inputs[self._input_of(number)]
            return self.operations[number](x, weights, statistics, training=False)

        return self._pick(index, run)

    def _input_of(self, number: int) -> int:
        return number // self._for_each

    def _pick(self, index: Index, run: Callable[[int], Any]) -> Any:
        if isinstance(index, int):
            return run(index)
        numbers = range(len(self.operations))
        return tf.switch_case(index, [functools.partial(run, n) for n in numbers])

    def _train(
        self,
        index: Index,
        weights: tf.Tensor,
        statistics: tf.Tensor,
        inputs: Sequence[tf.Tensor],
        clipnorm: float | None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        passes = self._traced_passes(index, (weights, statistics, *inputs), clipnorm)

        @tf.custom_gradient
        def run(weights: tf.Tensor, *inputs: tf.Tensor) -> tuple[Any, Any]:
            # A tape of the caller has nothing to do in here.
            given = [*map(tf.stop_gradient, (weights, statistics, *inputs))]
            y, after, *residuals = passes.forward(index, *given)

            def gradient(of_y: tf.Tensor, of_after: tf.Tensor) -> list[tf.Tensor]:
                return passes.backward(index, of_y, *given, *residuals)

            return (y, after), gradient

        return run(weights, *inputs)

    def _traced_passes(
        self, index: Index, given: Sequence[tf.Tensor], clipnorm: float | None
    ) -> ForwardBackward:
        weights, statistics, *inputs = given
        shapes = [(str(x.shape), x.dtype) for x in given]
        key = isinstance(index, int), clipnorm, *shapes
        if key not in self._passes:
            pairs = [
                operation.passes(
                    inputs[self._input_of(number)], weights, statistics, clipnorm
                )
                for number, operation in enumerate(self.operations)
            ]
            self._passes[key] = self._forward_backward(pairs, len(inputs))
        return self._passes[key]

    def _forward_backward(
        self, pairs: Sequence[ForwardBackward], inputs: int
    ) -> ForwardBackward:
        """The passes of the operation that is picked, as those of the block."""
        most = max(pair.residuals for pair in pairs)

        def forward(index: Index, *given: tf.Tensor) -> list[tf.Tensor]:
            weights, statistics, *xs = given

            def run(number: int) -> list[tf.Tensor]:
                pair, x = pairs[number], xs[self._input_of(number)]
                nothing = [tf.zeros([], weights.dtype)] * (most - pair.residuals)
                nothing = [*map(_of_any_shape, nothing)]
                return [*pair.forward(x, weights, statistics), *nothing]

            return self._pick(index, run)

        def backward(
            index: Index, of_y: tf.Tensor, *given: tf.Tensor
        ) -> list[tf.Tensor]:
            weights, statistics, *xs = given[: 2 + inputs]

            def run(number: int) -> list[tf.Tensor]:
                pair, place = pairs[number], self._input_of(number)
                residuals = map(_of_any_shape, given[2 + inputs :][: pair.residuals])
                of_x, of_weights = pair.backward(
                    xs[place], weights, statistics, of_y, *residuals
                )
                of_inputs = [tf.zeros_like(one) for one in xs]
                of_inputs[place] = of_x
                return [of_weights, *of_inputs]

            return self._pick(index, run)

        return ForwardBackward(
            tf.function(forward, autograph=False),
            tf.function(backward, autograph=False, reduce_retracing=True),
            most,
        )


def _shared(function: Callable[..., Any]) -> Callable[..., Any]:
    """One graph that is called, not a copy of it at every place of the network."""
    return tf.function(
        function, autograph=False, experimental_attributes={"_noinline": True}
    )


def _of_any_shape(x: tf.Tensor) -> tf.Tensor:
    """The same tensor; that it is of one operation's shape is not to be inferred."""
    return tf.compat.v1.placeholder_with_default(x, None)
