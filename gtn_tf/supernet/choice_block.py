"""A place of a super-network where one of several operations runs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.supernet.operation import Channels, Operation
from gtn_tf.supernet.switch import Index, Switch
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
        numbers = range(len(operations))
        # Called from a branch: oneDNN does not speed up what is in the branch itself.
        run = [functools.partial(self._run, n) for n in numbers]
        self._infer = Switch([tf.function(one, autograph=False) for one in run])
        self._agree = Switch([functools.partial(self._compare, n) for n in numbers])
        self._draw = Switch([functools.partial(self._fresh, o) for o in operations])
        self._first = Switch(
            [functools.partial(self._fresh_statistics, o) for o in operations]
        )
        self._count = Switch([functools.partial(self._tensors, o) for o in operations])
        self._most = max(1, *(len(o.weights) for o in operations))
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
        given = weights, statistics, *inputs
        if not training and not second_order:
            y, after = self._infer(index, *given)
            return y, after
        setting = training, clipnorm, second_order
        return self._passes_of(given, *setting)(index, *given)

    def agreements(
        self,
        index: Index,
        inputs: Sequence[tf.Tensor],
        weights: tf.Tensor,
        statistics: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs the operation in training, and compares the images' active ReLUs.

        Args:
            index: As for a call, and so are the others.
            inputs: Likewise.
            weights: Likewise.
            statistics: Likewise.

        Returns:
            The output, and `[batch, batch]`, as `gtn_tf.relus.agreements` gives it.
        """
        y, found = self._agree(index, weights, statistics, *inputs)
        return y, found

    @property
    def by_input(self) -> list[tuple[Operation, ...]]:
        """The operations on each input."""
        starts = range(0, len(self.operations), self._for_each)
        return [self.operations[start : start + self._for_each] for start in starts]

    def fresh(self, index: Index, seed: tf.Tensor, channels: Channels) -> tf.Tensor:
        """Draws weights, `[size]`.

        Args:
            index: Of the operation.
            seed: int32 `[2]`.
            channels: Of the input, if they may differ.
        """
        given = [] if channels is None else [tf.convert_to_tensor(channels)]
        (weights,) = self._draw(index, seed, *given)
        return weights

    def fresh_statistics(self, index: Index) -> tf.Tensor:
        """The statistics before the first step, `[statistics_size]`.

        Args:
            index: Of the operation.
        """
        (statistics,) = self._first(index)
        return statistics

    def tensors(self, index: Index, channels: Channels) -> tuple[tf.Tensor, tf.Tensor]:
        """The number of each weight's tensor, `[size]`, and which are kernels.

        Args:
            index: Of the operation.
            channels: Of the input, if they may differ.
        """
        given = [] if channels is None else [tf.convert_to_tensor(channels)]
        numbers, kernels = self._count(index, *given)
        return numbers, kernels

    def _tensors(
        self, operation: Operation, channels: Channels = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        numbers = operation.tensor_numbers(self.size, channels)
        kernels = [len(v.shape) > 1 for v in operation.weights]
        return numbers, tf.constant(kernels + [False] * (self._most - len(kernels)))

    def _fresh(
        self, operation: Operation, seed: tf.Tensor, channels: Channels = None
    ) -> list[tf.Tensor]:
        return [operation.join(operation.fresh(seed, channels), self.size)]

    def _fresh_statistics(self, operation: Operation) -> list[tf.Tensor]:
        return [operation.join(operation.fresh_statistics(), self.statistics_size)]

    def _run(
        self,
        number: int,
        weights: tf.Tensor,
        statistics: tf.Tensor,
        *inputs: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        x = inputs[self._input_of(number)]
        return self.operations[number](x, weights, statistics, training=False)

    def _compare(
        self,
        number: int,
        weights: tf.Tensor,
        statistics: tf.Tensor,
        *inputs: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        x = inputs[self._input_of(number)]
        return self.operations[number].agreements(x, weights, statistics)

    def _input_of(self, number: int) -> int:
        return number // self._for_each

    def _passes_of(self, given: Sequence[tf.Tensor], *setting: Any) -> SwitchedPasses:
        key = *setting, *((str(x.shape), x.dtype) for x in given)
        if key not in self._passes:
            weights, statistics, *inputs = given
            how = *setting, len(self.operations) == 1  # inline: there is no branch
            each = [
                o.passes(inputs[self._input_of(number)], weights, statistics, *how)
                for number, o in enumerate(self.operations)
            ]
            self._passes[key] = SwitchedPasses(each, self._input_of, len(inputs))
        return self._passes[key]
