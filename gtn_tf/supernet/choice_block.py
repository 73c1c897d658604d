"""A place of a super-network where one of several operations runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.supernet.operation import Channels, Operation
from gtn_tf.supernet.switch import Index
from gtn_tf.supernet.switched_passes import SwitchedPasses


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
        self._passes: dict[Any, SwitchedPasses] = {}

    def __call__(
        self,
        index: Index,
        inputs: Sequence[tf.Tensor],
        weights: tf.Tensor,
        statistics: tf.Tensor,
        training: bool,
        clipnorm: float | None = None,
        second_order: bool = False,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs the operation that is picked, and no other.

        Args:
            index: Of the operation.
            inputs: Each `[batch, h, w, c]`.
            weights: `[size]`.
            statistics: `[statistics_size]`.
            training: As for Keras.
            clipnorm: What the gradient of each weight tensor is cut to.
            second_order: As for `SuperNetwork`.

        Returns:
            The output, and the statistics after the call.
        """
        if not training and not second_order:
            return self._infer(index, weights, statistics, *inputs)
        given = weights, statistics, *inputs
        return self._passes_of(index, given, training, clipnorm, second_order)(*given)

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

    def _passes_of(
        self, index: Index, given: Sequence[tf.Tensor], *setting: Any
    ) -> Callable[..., Any]:
        key = (
            isinstance(index, int),
            *setting,
            *((str(x.shape), x.dtype) for x in given),
        )
        if key not in self._passes:
            weights, statistics, *inputs = given
            each = [
                o.passes(inputs[self._input_of(number)], weights, statistics, *setting)
                for number, o in enumerate(self.operations)
            ]
            self._passes[key] = SwitchedPasses(each, self._input_of, len(inputs))
        return functools.partial(self._passes[key], index)


def _shared(function: Callable[..., Any]) -> Callable[..., Any]:
    """One graph that is called, not a copy of it at every place of the network."""
    return tf.function(
        function, autograph=False, experimental_attributes={"_noinline": True}
    )
