"""A place of a super-network where one of several operations runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Union

import tensorflow as tf

from gtn_tf.supernet.operation import Channels, Operation

Index = Union[int, tf.Tensor]


class ChoiceBlock:
    """Operations of which an index picks one (Guo et al. 2020, arXiv 1904.00420).

    Their outputs have the same shape, and their weights take the same slot of the
    network's vector, which is as long as the longest of them.

    Args:
        *operations: For each input that the block may read, as many operations.
        inputs: How many inputs it may read; the operation decides which.
    """

    def __init__(self, *operations: Operation, inputs: int = 1) -> None:
        self.operations = operations
        self.size = max(operation.size for operation in operations)
        self.statistics_size = max(o.statistics_size for o in operations)
        self._for_each = len(operations) // inputs

    def __call__(
        self,
        index: Index,
        inputs: Sequence[tf.Tensor],
        weights: tf.Tensor,
        statistics: tf.Tensor,
        training: bool,
        twice: bool = False,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs the operation that is picked, and no other.

        Args:
            index: Of the operation.
            inputs: Each `[batch, h, w, c]`.
            weights: `[size]`.
            statistics: `[statistics_size]`.
            training: As for Keras.
            twice: Whether it can be differentiated twice, and with respect to the
                statistics after it, too. It is slower then.

        Returns:
            The output, and the statistics after the call.
        """
        if not training or twice:

            def run(number: int) -> tuple[tf.Tensor, tf.Tensor]:
                x = inputs[self._input_of(number)]
                return self.operations[number](x, weights, statistics, training)

            return self._pick(index, run)
        return self._train(index, list(inputs), weights, statistics)

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
        return self.pick(index, lambda o: o.join(o.fresh(seed, channels), self.size))

    def fresh_statistics(self, index: Index) -> tf.Tensor:
        """The statistics before the first step, `[statistics_size]`.

        Args:
            index: Of the operation.
        """
        size = self.statistics_size
        return self.pick(index, lambda o: o.join(o.fresh_statistics(), size))

    def _input_of(self, number: int) -> int:
        return number // self._for_each

    def _pick(self, index: Index, run: Callable[[int], Any]) -> Any:
        if isinstance(index, int):
            return run(index)
        numbers = range(len(self.operations))
        return tf.switch_case(index, [lambda n=n: run(n) for n in numbers])

    def _train(
        self,
        index: Index,
        inputs: list[tf.Tensor],
        weights: tf.Tensor,
        statistics: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        pairs = [
            operation.pair(inputs[self._input_of(number)], weights, statistics)
            for number, operation in enumerate(self.operations)
        ]
        most = max(pair.residuals for pair in pairs)

        @tf.custom_gradient
        def run(weights: tf.Tensor, *inputs: tf.Tensor) -> tuple[Any, Any]:
            def forward(number: int) -> list[tf.Tensor]:
                pair, x = pairs[number], inputs[self._input_of(number)]
                nothing = [_no_residual(weights.dtype)] * (most - pair.residuals)
                return [*pair.forward(x, weights, statistics), *nothing]

            y, after, *residuals = self._pick(index, forward)

            def gradient(of_y: tf.Tensor, of_after: tf.Tensor) -> list[tf.Tensor]:
                def backward(number: int) -> list[tf.Tensor]:
                    pair, place = pairs[number], self._input_of(number)
                    own = residuals[: pair.residuals]
                    of_x, of_weights = pair.backward(
                        inputs[place], weights, statistics, of_y, *own
                    )
                    of_inputs = [tf.zeros_like(one) for one in inputs]
                    of_inputs[place] = of_x
                    return [of_weights, *of_inputs]

                return self._pick(index, backward)

            return (y, after), gradient

        return run(weights, *inputs)


def _no_residual(dtype: tf.DType) -> tf.Tensor:
    """Stands in the place of a tensor that another operation keeps, of any shape."""
    return tf.compat.v1.placeholder_with_default(tf.zeros([], dtype), None)
