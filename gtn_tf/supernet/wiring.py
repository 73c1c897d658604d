"""The base class of both spaces' super-networks, and a pass through one."""

from __future__ import annotations

import abc
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from gtn_tf.cells.blocks import TrainingBlocks
from gtn_tf.supernet.choice_block import ChoiceBlock
from gtn_tf.supernet.operation import Channels, Operation
from gtn_tf.supernet.switch import Index

Build = Callable[[tf.Tensor], tf.Tensor]
State = tuple[int, ...]  # numbers of the blocks whose outputs are added

NONE = "none"  # the kind of an operation whose output is zeros


class Pick(NamedTuple):
    """The operation that a genotype picks in a choice block."""

    operation: Index = 0
    # If the input joins states, as many of them as the genotype says:
    channels: Channels = None  # of the input
    rows: tf.Tensor | None = None  # which of the most channels that may be there are
    most: int | None = None  # channels
    joined: tf.Tensor | None = None  # bool `[states]`: which of those of the place are
    # Else the state that the input is: with shared weights, each source has its own.
    source: Index = 0
    sources: int = 1
    # Which numbers of a genotype pick: the source, if there are several, and last the
    # operation. None where it follows from other choices, or is the only one.
    chosen_by: tuple[int, ...] = ()


class Place(NamedTuple):
    """A place of the network where there is a choice, whatever a genotype picks.

    Args:
        block: The operations to pick from.
        stage: 0, 1 or 2.
        states: What the block may read. A state is the sum of the outputs of the
            blocks with these numbers, which come before it.
    """

    block: ChoiceBlock
    stage: int
    states: tuple[State, ...]


class Wiring(abc.ABC):
    """The choice blocks of a space's network, and how tensors pass through them.

    The blocks are in the order in which the stand-alone network makes its layers.

    Args:
        image_shape: `(height, width, channels)` of an image.
        num_classes: Number of logits.
        cells: N, cells in each of the three stages.
        filters: F, channels of the first stage.
        layers: Kind of the layers.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_classes: int,
        cells: int,
        filters: int,
        layers: TrainingBlocks,
    ) -> None:
        self.image_shape = image_shape
        self.num_classes = num_classes
        self.cells = cells
        self.filters = filters
        self.layers = layers
        self.places: list[Place] = []
        self._stage = 0  # of the places that are added
        self._operations: dict[Any, Operation] = {}
        self._blocks: dict[tuple[Operation, ...], ChoiceBlock] = {}

    @property
    def blocks(self) -> list[ChoiceBlock]:
        """The block of each place."""
        return [place.block for place in self.places]

    @property
    def momentum(self) -> float | None:
        """The momentum of Keras' batch norms, if any."""
        found = {operation.momentum for operation in self._operations.values()}
        return next((momentum for momentum in found if momentum is not None), None)

    @abc.abstractmethod
    def picks(self, genotype: tf.Tensor) -> list[Pick]:
        """The pick of a genotype in each choice block.

        Args:
            genotype: int32, as the space encodes it.
        """

    @abc.abstractmethod
    def logits(self, run: Pass, images: tf.Tensor, genotype: tf.Tensor) -> tf.Tensor:
        """The logits `[batch, num_classes]`.

        Args:
            run: The pass; call it with each block once, in order.
            images: `[batch, h, w, c]`.
            genotype: int32, as the space encodes it.
        """

    @abc.abstractmethod
    def mixed_logits(
        self, run: Pass, images: tf.Tensor, mixture: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        """The logits of all architectures at once, `[batch, num_classes]`.

        Args:
            run: The pass; call it with each block once, in order. A block whose
                operation is chosen gets a list of all inputs in the place of each.
            images: `[batch, h, w, c]`.
            mixture: For each number of a genotype, the parts of its values.
        """

    def _operation(
        self,
        kind: Hashable,
        build: Build,
        shape: Any,
        any_channels: bool = False,
        width: int | None = None,
    ) -> Operation:
        """An operation, shared by all blocks with the same kind, shape and width."""
        key = kind, shape, width
        if key not in self._operations:
            self._operations[key] = Operation(kind, build, shape, any_channels)
        return self._operations[key]

    def _add(
        self, *operations: Operation, reads: Sequence[State] = (), inputs: int = 1
    ) -> ChoiceBlock:
        """Adds a place, with the same block for the same operations."""
        if operations not in self._blocks:
            self._blocks[operations] = ChoiceBlock(*operations, inputs=inputs)
        block = self._blocks[operations]
        self.places.append(Place(block, self._stage, tuple(reads)))
        return block

    @property
    def _newest(self) -> State:
        """The output of the place that was added last."""
        return (len(self.places) - 1,)

    def _head(self, x: tf.Tensor) -> tf.Tensor:
        return self.layers.dense(self.layers.pooled_features(x), self.num_classes)


class Pass:
    """One pass through a super-network: distributes weights, collects results.

    Args:
        picks: A pick for each choice block.
        weights: A vector for each block.
        statistics: A vector for each block.
        call: Runs a block, given it and its index, inputs, weights and statistics;
            returns the output and a result of any kind.
    """

    def __init__(
        self,
        picks: Sequence[Pick],
        weights: Sequence[tf.Tensor],
        statistics: Sequence[tf.Tensor],
        call: Callable[..., tuple[tf.Tensor, tf.Tensor]],
    ) -> None:
        self._ahead = iter(zip(picks, weights, statistics))
        self._call = call
        self.results: list[tf.Tensor] = []  # of the blocks so far

    def __call__(
        self, block: ChoiceBlock, *inputs: Any, index: Index | None = None
    ) -> tf.Tensor:
        """Runs the next block.

        Args:
            block: The block.
            *inputs: Of the block.
            index: Operation to run instead of the genotype's.
        """
        pick, weights, statistics = next(self._ahead)
        index = pick.operation if index is None else index
        y, result = self._call(block, index, inputs, weights, statistics)
        self.results.append(result)
        return y
