"""The super-network of the NAO space; `gtn_tf.cells.cell_network` is stand-alone."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from gtn_tf.cells.genotype import NODES
from gtn_tf.cells.network import STEM
from gtn_tf.cells.operations import apply_operation
from gtn_tf.supernet.choice_block import ChoiceBlock
from gtn_tf.supernet.operation import Channels, Operation
from gtn_tf.supernet.switch import Index
from gtn_tf.supernet.wiring import NONE, Pass, Pick, State, Wiring

_STATES = 2 + NODES
_MOST_ENDS = _STATES - 1  # a node reads at least one


class _Output(NamedTuple):
    """The channels of a cell's output, as `Pick` has them: some for each loose end."""

    channels: Channels
    rows: tf.Tensor
    most: int
    joined: tf.Tensor


class _Wired(NamedTuple):
    """A cell's output while the network is wired."""

    shape: tuple[int, int, int]  # with the most channels
    states: list[State]  # that may be joined in it


@dataclass(frozen=True)
class _Cell:
    """The choice blocks of a cell, in the order in which they run."""

    reduces: bool
    filters: int
    size: tuple[int, int]  # of its inputs
    out: tuple[int, int]
    older: ChoiceBlock  # calibrates the output two cells back
    previous: ChoiceBlock
    halves_older: bool
    nodes: list[tuple[ChoiceBlock, ChoiceBlock]]
    ends: list[ChoiceBlock]  # reduce inputs that are loose ends to the nodes' size


class WiringNAO(Wiring):
    """Two inputs and two operations for each of five nodes, in both cells.

    A genotype is int32 `[40]`, `input_a op_a input_b op_b` for each node of both cells;
    operations are indices into `ops`.

    Args:
        *args: As for `Wiring`.
        ops: Names of the operations.
    """

    def __init__(self, *args: Any, ops: Sequence[str]) -> None:
        super().__init__(*args)
        self.ops = tuple(ops)
        layers, stem = self.layers, STEM * self.filters
        self._stem = self._add(
            self._operation(
                "stem",
                lambda x: layers.norm(layers.conv(x, stem, 3)),
                self.image_shape,
            )
        )
        self._cells: list[_Cell] = []
        before = previous = _Wired((*self.image_shape[:2], stem), [self._newest])
        for part in range(3):
            self._stage = part
            for place in range(self.cells + (part > 0)):
                filters, reduces = self.filters * 2**part, part > 0 and place == 0
                cell, output = self._cell(before, previous, filters, reduces)
                self._cells.append(cell)
                before, previous = previous, output
        head = self._operation("head", self._head, previous.shape, True)
        self._last = self._add(head, reads=previous.states)

    def _cell(
        self, before: _Wired, previous: _Wired, filters: int, reduces: bool
    ) -> tuple[_Cell, _Wired]:
        h, w, _ = previous.shape
        halves = before.shape[:2] != (h, w)
        out = (-(-h // 2), -(-w // 2)) if reduces else (h, w)
        if halves:
            calibrate = [self._halving(before.shape, filters, True)]
        else:
            calibrate = self._calibrating(before.shape, filters)
        older = self._add(*calibrate, reads=before.states)
        states = [self._newest]
        calibrate = self._calibrating(previous.shape, filters)
        newer = self._add(*calibrate, reads=previous.states)
        states.append(self._newest)
        nodes = []
        for _ in range(NODES):
            nodes.append(self._node(states, (h, w), out, filters, reduces))
            states.append((len(self.places) - 2, len(self.places) - 1))
        ends: list[ChoiceBlock] = []
        if out != (h, w):
            shape = h, w, filters
            absent = self._operation(NONE, self._nothing, shape)
            halve = self._halving(shape, filters, False)
            for number in range(2):
                ends.append(self._add(absent, halve, reads=[states[number]]))
                states[number] = self._newest
        cell = _Cell(reduces, filters, (h, w), out, older, newer, halves, nodes, ends)
        return cell, _Wired((*out, _MOST_ENDS * filters), states)

    def _node(
        self, states: list[State], size: Any, out: Any, filters: int, reduces: bool
    ) -> tuple[ChoiceBlock, ChoiceBlock]:
        operations = self._all(size, filters, stride=2 if reduces else 1)
        inputs = 2 if reduces and len(states) > 2 else 1
        if inputs == 2:  # an operation on a node has stride 1
            operations = [*operations, *self._all(out, filters, stride=1)]
        a, b = (self._add(*operations, reads=states, inputs=inputs) for _ in range(2))
        return a, b

    def _all(self, size: Any, filters: int, stride: int) -> list[Operation]:
        def build(name: str) -> Any:
            return lambda x: apply_operation(name, x, filters, stride, self.layers)

        shape = *size, filters
        return [self._operation((o, stride), build(o), shape) for o in self.ops]

    def _calibrating(self, shape: Any, filters: int) -> list[Operation]:
        """The identity, if the channels match, or a 1x1 convolution."""

        def conv(x: tf.Tensor) -> tf.Tensor:
            return self.layers.conv_norm(x, filters, 1)

        return [
            self._operation("as it is", lambda x: x, shape, True),
            self._operation("calibrate", conv, shape, True, filters),
        ]

    def _halving(self, shape: Any, filters: int, any_channels: bool) -> Operation:
        def build(x: tf.Tensor) -> tf.Tensor:
            return self.layers.factorized_reduce(x, filters)

        return self._operation("halve", build, shape, any_channels, filters)

    def _nothing(self, x: tf.Tensor) -> tf.Tensor:
        """Zeros of half the size."""
        return self.layers.zeros(self.layers.subsample(x, 2))

    def picks(self, genotype: tf.Tensor) -> list[Pick]:
        genes = _Genes(genotype)
        picks = [Pick()]
        stem = STEM * self.filters
        before = previous = _Output(stem, tf.range(stem), stem, tf.constant([True]))
        for cell in self._cells:
            k, filters = int(cell.reduces), cell.filters
            halves = cell.halves_older
            older = 0 if halves else _differs(before.channels, filters)
            newer = _differs(previous.channels, filters)
            picks += [Pick(older, *before), Pick(newer, *previous)]
            for number in range(NODES):
                picks += [self._pick(genes, cell, number, side) for side in range(2)]
            loose = tf.unstack(tf.cast(genes.loose[k], tf.int32))
            picks += [Pick(one) for one in loose[: len(cell.ends)]]
            before, previous = previous, genes.output(k, filters)
        return [*picks, Pick(0, *previous)]

    def _pick(self, genes: _Genes, cell: _Cell, number: int, side: int) -> Pick:
        source = genes.inputs[int(cell.reduces)][number][side]
        operation = self._index(genes, cell, number, side)
        place = 4 * (int(cell.reduces) * NODES + number) + 2 * side
        numbers = place, place + 1
        return Pick(operation, source=source, sources=2 + number, chosen_by=numbers)

    def _index(self, genes: _Genes, cell: _Cell, number: int, side: int) -> Index:
        index = genes.ops[int(cell.reduces)][number][side]
        if not (cell.reduces and number):
            return index
        of_node = genes.inputs[int(cell.reduces)][number][side] > 1
        return index + len(self.ops) * tf.cast(of_node, tf.int32)

    def mixed_logits(
        self, run: Pass, images: tf.Tensor, mixture: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        """Each branch is the mean over its input and its operation.

        A cell's output has all states, each times the probability that it is a loose
        end, if every branch drew its input. So cells are always calibrated by a 1x1
        convolution.
        """
        before = previous = run(self._stem, images)
        for cell in self._cells:
            output = self._run_mixed(run, cell, mixture, before, previous)
            before, previous = previous, output
        return run(self._last, previous)

    def _run_mixed(
        self,
        run: Pass,
        cell: _Cell,
        mixture: Sequence[tf.Tensor],
        before: tf.Tensor,
        previous: tf.Tensor,
    ) -> tf.Tensor:
        pair = (cell.older, before), (cell.previous, previous)
        states = [run(block, x, index=len(block.operations) - 1) for block, x in pair]
        for blocks in cell.nodes:
            kinds = [states[:2], states[2:]] if cell.reduces else [states]
            states.append(tf.add_n([run(block, *kinds) for block in blocks]))
        # Those of the inputs' size are halved.
        halved = [run(block, x, index=1) for block, x in zip(cell.ends, states)]
        first = int(cell.reduces) * 4 * NODES
        loose = _looseness(mixture[first : first + 4 * NODES : 2])
        ends = zip(loose, [*halved, *states[len(halved) :]])
        return tf.concat([part * end for part, end in ends], -1)

    def logits(self, run: Pass, images: tf.Tensor, genotype: tf.Tensor) -> tf.Tensor:
        genes = _Genes(genotype)
        before = previous = run(self._stem, images)
        for cell in self._cells:
            output = self._run_cell(run, cell, genes, before, previous)
            before, previous = previous, output
        return run(self._last, previous)

    def _run_cell(
        self,
        run: Pass,
        cell: _Cell,
        genes: _Genes,
        before: tf.Tensor,
        previous: tf.Tensor,
    ) -> tf.Tensor:
        batch, k = before.shape[0], int(cell.reduces)
        shape, out = ([batch, *size, cell.filters] for size in (cell.size, cell.out))
        pair = run(cell.older, before), run(cell.previous, previous)
        a, b = (tf.ensure_shape(one, shape) for one in pair)
        inputs = _states(a.dtype, shape).write(0, a).write(1, b)
        # All states of a normal cell have the same size.
        nodes = _states(a.dtype, out) if cell.reduces else inputs
        for number, blocks in enumerate(cell.nodes):
            terms = []
            for block, i in zip(blocks, genes.inputs[k][number]):
                read = _read(inputs, nodes, i, cell.reduces, number)
                terms.append(tf.ensure_shape(run(block, *read), out))
            nodes = nodes.write(2 + number, tf.add_n(terms))
            inputs = inputs if cell.reduces else nodes
        for i, block in enumerate(cell.ends):
            nodes = nodes.write(i, run(block, inputs.read(i)))
        if cell.reduces and not cell.ends:  # an image of one pixel
            nodes = nodes.write(0, a).write(1, b)
        ends = nodes.gather(genes.ends[k])  # [ends, batch, h, w, filters]
        joined = tf.transpose(ends, [1, 2, 3, 0, 4])
        return tf.reshape(joined, [batch or tf.shape(a)[0], *cell.out, -1])


class _Genes:
    """A decoded genotype."""

    def __init__(self, genotype: tf.Tensor) -> None:
        numbers = iter(tf.unstack(genotype))
        pairs = [
            [[(next(numbers), next(numbers)) for _ in "ab"] for _ in range(NODES)]
            for _ in range(2)
        ]
        # By cell, node and side.
        self.inputs = [[[i for i, _ in node] for node in cell] for cell in pairs]
        self.ops = [[[op for _, op in node] for node in cell] for cell in pairs]
        read = tf.one_hot(
            tf.reshape(genotype, [2, -1, 2])[..., 0], _STATES, True, False
        )
        self.loose = tf.unstack(tf.logical_not(tf.reduce_any(read, axis=1)))
        self.ends = [
            tf.cast(tf.reshape(tf.where(cell), [-1]), tf.int32) for cell in self.loose
        ]

    def output(self, k: int, filters: int) -> _Output:
        """The output of a cell whose states have so many channels."""
        ends = self.ends[k]
        rows = tf.reshape(ends[:, tf.newaxis] * filters + tf.range(filters), [-1])
        channels = filters * tf.size(ends)
        return _Output(channels, rows, _STATES * filters, self.loose[k])


def _states(dtype: tf.DType, shape: list[Any]) -> tf.TensorArray:
    """An array of a cell's states, which the genotype indexes."""
    return tf.TensorArray(dtype, _STATES, element_shape=shape, clear_after_read=False)


def _read(
    inputs: tf.TensorArray,
    nodes: tf.TensorArray,
    index: tf.Tensor,
    reduces: bool,
    number: int,
) -> list[tf.Tensor]:
    """The inputs of a block: in a reduction cell, one state of each size."""
    if not reduces:
        return [nodes.read(index)]
    of_inputs = inputs.read(tf.minimum(index, 1))
    return [of_inputs, nodes.read(tf.maximum(index, 2))] if number else [of_inputs]


def _looseness(reads: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """For each state, the probability that no branch reads it.

    Args:
        reads: For each branch, the probabilities of its inputs.
    """
    never = [1 - tf.pad(one, [[0, _STATES - one.shape[0]]]) for one in reads]
    # Not `reduce_prod`, whose second derivative at 0 is not a number.
    return tf.unstack(functools.reduce(operator.mul, never))


def _differs(channels: Any, filters: int) -> Index:
    if isinstance(channels, int):
        return int(channels != filters)
    return tf.cast(channels != filters, tf.int32)
