"""Weights of all architectures at once: each operation of each edge has its own."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import tensorflow as tf

from gtn_tf.supernet.choice_block import ChoiceBlock
from gtn_tf.supernet.network import SuperNetwork
from gtn_tf.supernet.operation import Operation
from gtn_tf.supernet.wiring import Pick


class SharedWeights:
    """Where an architecture has its weights in one vector of those of all.

    In nao, an operation has weights for each input that its node may read, as in ENAS;
    a layer that reads loose ends has a part of its kernel for each state that may be
    one. The last element stands where an architecture has no weights: it is always 0.

    Args:
        network: The super-network, which takes what `of` gives.

    Example:

    >>> network = SuperNetwork("nas_bench_201", (8, 8, 1), 10, cells=1, filters=2)
    >>> shared = SharedWeights(network)
    >>> weights = shared.fresh(tf.constant([0, 1]))
    >>> cell = network.draw(tf.constant([0, 2]))
    >>> weights.shape[0] > network.size == shared.of(weights, cell).shape[0]
    True
    """

    def __init__(self, network: SuperNetwork) -> None:
        self.network = network
        self._slots: list[_Slots] = []
        start = 0
        # Which operation is picked does not matter, only what there is to pick.
        for block, pick in network.picks(network.draw(tf.constant([0, 0]))):
            sizes = [_size(one, pick) for one in block.operations]
            self._slots.append(_Slots(start, sizes, pick.sources))
            start += pick.sources * sum(sizes)
        self.size = start + 1

    def fresh(self, seed: tf.Tensor) -> tf.Tensor:
        """Draws all weights as the layers' initializers do.

        Args:
            seed: int32 `[2]`.

        Returns:
            `[size]`.
        """
        fold = tf.random.experimental.stateless_fold_in
        traced: dict[Any, Any] = {}  # the same operation is in many places
        drawn = []
        for number, (operation, channels) in enumerate(self._operations()):
            key = operation, channels
            if key not in traced:
                draw = functools.partial(operation.fresh, channels=channels)
                spec = tf.TensorSpec([2], tf.int32)
                function = tf.function(draw, autograph=False)
                traced[key] = function.get_concrete_function(spec)
            drawn += [tf.reshape(w, [-1]) for w in traced[key](fold(seed, number))]
        return tf.concat([*drawn, tf.zeros([1], tf.keras.backend.floatx())], 0)

    def of(self, weights: tf.Tensor, genotype: tf.Tensor) -> tf.Tensor:
        """The weights of an architecture, as the network takes them.

        Args:
            weights: `[size]`.
            genotype: As `SuperNetwork.encode` gives it.
        """
        return tf.gather(weights, self.places(genotype))

    def split(self, weights: tf.Tensor) -> list[tf.Tensor]:
        """The weights of each choice block: for each source those of each operation.

        Args:
            weights: `[size]`.
        """
        sizes = [sum(slots.sizes) * slots.sources for slots in self._slots]
        *of_blocks, _ = tf.split(weights, [*sizes, 1])
        return of_blocks

    def places(self, genotype: tf.Tensor) -> tf.Tensor:
        """Where the weights of an architecture are.

        Args:
            genotype: As `SuperNetwork.encode` gives it.

        Returns:
            int32, for each weight of the network its index; the last one of the shared
            weights, where the architecture has none.
        """
        nothing = self.size - 1
        pairs = zip(self._slots, self.network.picks(genotype))
        return tf.concat(
            [
                _places_in(slots, block, pick, nothing)
                if pick.channels is None
                else _places_of_channels(slots, block, pick, nothing)
                for slots, (block, pick) in pairs
            ],
            0,
        )

    def _operations(self) -> Iterator[tuple[Operation, int | None]]:
        """All that have weights, in order, with the most channels, if they differ."""
        for block, pick in self.network.picks(self.network.draw(tf.constant([0, 0]))):
            for _ in range(pick.sources):
                for operation in block.operations:
                    if operation.weights:
                        yield operation, pick.most


class _Slots(NamedTuple):
    """The weights of a choice block: for each source, those of each operation."""

    start: int
    sizes: list[int]
    sources: int

    def starts(self) -> list[int]:
        """Of each operation, for each source."""
        sizes = self.sizes * self.sources
        return [self.start + sum(sizes[:number]) for number in range(len(sizes))]


def _size(operation: Operation, pick: Pick) -> int:
    return sum(math.prod(s) for s in operation.shapes(pick.most))


def _places_in(
    slots: _Slots, block: ChoiceBlock, pick: Pick, nothing: int
) -> tf.Tensor:
    """Places of a block whose inputs have the same channels in all architectures."""
    number = pick.source * len(slots.sizes) + pick.operation
    start, size = (
        tf.gather(slots.starts(), number),
        tf.gather(slots.sizes, pick.operation),
    )
    within = tf.range(block.size)
    return tf.where(within < size, start + within, nothing)


def _places_of_channels(
    slots: _Slots, block: ChoiceBlock, pick: Pick, nothing: int
) -> tf.Tensor:
    """Places of a block whose input has as many channels as there are loose ends."""
    each = []
    for operation, start in zip(block.operations, slots.starts()):
        parts = [tf.zeros([0], tf.int32)]
        for shape in operation.shapes(pick.most):
            parts.append(start + _kernel(shape, pick.rows))
            start += math.prod(shape)
        places = tf.concat(parts, 0)
        rest = [[0, block.size - tf.size(places)]]
        each.append(tf.pad(places, rest, constant_values=nothing))
    return tf.ensure_shape(tf.gather(tf.stack(each), pick.operation), [block.size])


def _kernel(shape: list[int], rows: tf.Tensor) -> tf.Tensor:
    """The numbers of a kernel's elements `[..., rows, outputs]`, or of a vector's."""
    if len(shape) == 1:
        return tf.range(shape[0])
    *pixels, most, outputs = shape
    first = tf.range(math.prod(pixels))[:, tf.newaxis, tf.newaxis] * most
    return tf.reshape((first + rows[:, tf.newaxis]) * outputs + tf.range(outputs), [-1])
