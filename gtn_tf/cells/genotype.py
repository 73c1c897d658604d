"""Genotypes of the NAO space: two cells, and their text forms."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gtn_tf.cells.darts import is_darts, parse_darts
from gtn_tf.cells.errors import GenotypeError, check_length
from gtn_tf.errors import did_you_mean, shown

# The codes of both lists (Luo et al. 2018, arXiv 1808.07233). Codes 4 and 5 are the
# same operation, and so are 3 and 11, and 2 and 14.
SMALL = ("sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3", "identity")
LARGE = (
    "identity",
    "conv_1x1",
    "conv_3x3",
    "conv_1x3_3x1",
    "conv_1x7_7x1",
    "max_pool_2x2",
    "max_pool_3x3",
    "max_pool_5x5",
    "avg_pool_2x2",
    "avg_pool_3x3",
    "avg_pool_5x5",
)
OPS = {"small": SMALL, "large": LARGE}
# Of published cells of other spaces. They have no code.
OTHERS = ("sep_conv_7x7", "dil_conv_3x3", "dil_conv_5x5", "dil_sep_conv_5x5")
SKIPS = ("identity", "skip_connect")  # skip connections of all spaces
NODES = 5  # of a cell

_BY_CODE = SMALL + LARGE
_KNOWN = tuple(dict.fromkeys(_BY_CODE + OTHERS))
_INPUTS = 2  # a cell's own: 0 is two cells back, 1 the previous cell
_CELLS = ("normal", "reduction")
_NUMBER = r"\d{1,9}"  # more digits than any genotype has
_OPERAND = rf"(\w+)@({_NUMBER})"


class Node(NamedTuple):
    """`op_a(input_a) + op_b(input_b)`."""

    input_a: int
    op_a: str
    input_b: int
    op_b: str


@dataclass(frozen=True)
class Cell:
    """The nodes of a cell.

    Inputs are numbered from 0: 0 is the output two cells back, 1 that of the previous
    cell, and from 2 on the nodes of this cell.

    Args:
        nodes: The nodes, in order.
        concat: Inputs and nodes whose concatenation is the cell's output; by default
            its loose ends, which no node reads.

    Raises:
        GenotypeError: If a node reads something that does not come before it or has
            an unknown operation, or `concat` is not a choice of inputs and nodes.
    """

    nodes: tuple[Node, ...]
    concat: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        nodes = tuple(Node(*node) for node in self.nodes)
        if not nodes:
            raise GenotypeError("expected at least one node in a cell, received none")
        for number, node in enumerate(nodes, start=_INPUTS):
            for index, op in (node[:2], node[2:]):
                if type(index) is not int or not 0 <= index < number:
                    raise GenotypeError(
                        f"node {number}: expected inputs from 0 to {number - 1}, "
                        f"received {shown(index)}"
                    )
                if op not in _KNOWN:
                    hint = did_you_mean(op, _KNOWN)
                    known = "" if hint else f" of {', '.join(_KNOWN)}"
                    raise GenotypeError(
                        f"node {number}: expected an operation{known}, received "
                        f"{shown(op)}{hint}"
                    )
        object.__setattr__(self, "nodes", nodes)  # the class is frozen
        if self.concat is not None:
            self._check_concat(tuple(self.concat))

    def _check_concat(self, chosen: tuple[int, ...]) -> None:
        states = _INPUTS + len(self.nodes)
        if not chosen or set(chosen) - {*range(states)}:
            raise GenotypeError(
                f"concat: expected some of the numbers from 0 to {states - 1}, "
                f"received {shown(chosen)}"
            )
        if sorted(set(chosen)) != list(chosen):
            raise GenotypeError(
                f"concat: expected ascending numbers, received {shown(chosen)}"
            )
        # Equal cells compare equal, however they are written.
        same = chosen == self._loose_ends()
        object.__setattr__(self, "concat", None if same else chosen)

    @property
    def ends(self) -> tuple[int, ...]:
        """Inputs and nodes that form the cell's output, in order."""
        return self._loose_ends() if self.concat is None else self.concat

    def _loose_ends(self) -> tuple[int, ...]:
        read = {i for node in self.nodes for i in (node.input_a, node.input_b)}
        return tuple(i for i in range(_INPUTS + len(self.nodes)) if i not in read)

    def __str__(self) -> str:
        nodes = "; ".join(
            f"{n.op_a}@{n.input_a} {n.op_b}@{n.input_b}" for n in self.nodes
        )
        if self.concat is None:
            return nodes
        return f"{nodes} -> {' '.join(map(str, self.concat))}"


@dataclass(frozen=True)
class Genotype:
    """An architecture of the NAO space (Luo et al. 2018).

    Args:
        normal: The cell that keeps the image's size.
        reduction: The cell that halves it.

    Example:

    >>> node = Node(0, "conv_3x3", 1, "identity")
    >>> print(Genotype(Cell([node]), Cell([node])))
    conv_3x3@0 identity@1 | conv_3x3@0 identity@1
    """

    normal: Cell
    reduction: Cell

    @classmethod
    def from_integers(cls, integers: Sequence[int]) -> Genotype:
        """Reads the 40 integers of the NAO papers.

        Args:
            integers: `input_a op_a input_b op_b` for each node, first of the normal
                cell, then of the reduction cell. Operations 0 to 4 are the small
                list, 5 to 15 the large one.

        Raises:
            GenotypeError: If they are not a genotype.

        Example:

        >>> ones = Genotype.from_integers([0, 7, 1, 7] * 10)
        >>> ones.normal.nodes[0]
        Node(input_a=0, op_a='conv_3x3', input_b=1, op_b='conv_3x3')
        """
        integers = [int(i) for i in integers]
        if len(integers) != 8 * NODES:
            raise GenotypeError(
                f"expected {8 * NODES} integers, {4 * NODES} for each cell, received "
                f"{len(integers)}"
            )
        cells = []
        for name, part in zip(_CELLS, np.reshape(integers, [2, NODES, 4]).tolist()):
            codes = [code for node in part for code in node[1::2]]
            wrong = [code for code in codes if not 0 <= code < len(_BY_CODE)]
            if wrong:
                raise GenotypeError(
                    f"{name} cell: expected operations from 0 to {len(_BY_CODE) - 1}, "
                    f"received {shown(wrong[0])}"
                )
            with_names = [(a, _BY_CODE[p], b, _BY_CODE[q]) for a, p, b, q in part]
            cells.append(_cell(name, with_names))
        return cls(*cells)

    @classmethod
    def sample(
        cls, rng: np.random.Generator, ops: Sequence[str] = LARGE, nodes: int = NODES
    ) -> Genotype:
        """Draws a genotype, all choices uniform and independent.

        Args:
            rng: Source of the draw.
            ops: Operations drawn from.
            nodes: Nodes of each cell.
        """

        def cell() -> Cell:
            drawn = rng.choice(ops, [nodes, 2]).tolist()
            inputs = [rng.integers(0, _INPUTS + n, 2).tolist() for n in range(nodes)]
            return Cell(
                tuple(Node(a, p, b, q) for (a, b), (p, q) in zip(inputs, drawn))
            )

        return cls(cell(), cell())

    def to_integers(self) -> list[int]:
        """Writes the 40 integers of the NAO papers.

        Operations of both lists are written as the large list's, unless one of only the
        small list occurs.

        Raises:
            GenotypeError: If the cells have no such form: other than five nodes,
                operations without a code, or an output that is not the loose ends.
        """
        nodes = [node for _, cell in self._named() for node in cell.nodes]
        if any(len(cell.nodes) != NODES for _, cell in self._named()):
            raise GenotypeError(
                f"expected cells of {NODES} nodes for the integers, received "
                f"{len(self.normal.nodes)} and {len(self.reduction.nodes)}"
            )
        ops = {*self.ops}
        other = sorted(ops - {*_BY_CODE})
        if other or self.normal.concat or self.reduction.concat:
            what = f"the operation {other[0]}" if other else "a cell with `->`"
            raise GenotypeError(
                f"expected cells that integers can say, received {what}"
            )
        lists = _BY_CODE if ops & {*SMALL} - {*LARGE} else (None,) * 5 + LARGE
        return [
            number
            for a, op_a, b, op_b in nodes
            for number in (a, lists.index(op_a), b, lists.index(op_b))
        ]

    @classmethod
    def parse(cls, text: str) -> Genotype:
        """Reads any form: 40 integers, what `str` gives, or what DARTS prints.

        Args:
            text: `"0 7 1 15 ..."`; or `"conv_3x3@0 identity@1; ... | ..."`, where
                a cell may end with `-> 2 3 4 5`, its output states; or
                `"Genotype(normal=[('sep_conv_3x3', 0), ...], ...)"`.

        Raises:
            GenotypeError: If it is none of these.
        """
        check_length(text)
        if is_darts(text):
            found = zip(_CELLS, parse_darts(text))
            return cls(*(_cell(name, *cell) for name, cell in found))
        words = text.replace(",", " ").replace("|", " ").split()
        if all(re.fullmatch(rf"-?{_NUMBER}", word) for word in words):
            return cls.from_integers([int(word) for word in words])
        cells = text.split("|")
        if len(cells) != 2:
            raise GenotypeError(
                "expected 40 integers, or a normal and a reduction cell such as "
                "'conv_3x3@0 identity@1; ... | ...', or DARTS' Genotype(normal=...), "
                f"received {shown(text.strip())}"
            )
        return cls(*(_parse_cell(name, cell) for name, cell in zip(_CELLS, cells)))

    @property
    def ops(self) -> tuple[str, ...]:
        """Two of each node, of the normal and then of the reduction cell."""
        nodes = [node for _, cell in self._named() for node in cell.nodes]
        return tuple(op for node in nodes for op in (node.op_a, node.op_b))

    @property
    def skips(self) -> int:
        """How many of `ops` are skip connections."""
        return self.ops.count("identity")

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that stand for the architecture."""
        return hashlib.sha256(str(self).encode()).hexdigest()[:12]

    def _named(self) -> Iterable[tuple[str, Cell]]:
        return zip(_CELLS, (self.normal, self.reduction))

    def __str__(self) -> str:
        return f"{self.normal} | {self.reduction}"


def _parse_cell(name: str, text: str) -> Cell:
    text, arrow, ends = text.partition("->")
    nodes = []
    for number, part in enumerate(text.split(";"), start=_INPUTS):
        pair = re.fullmatch(rf"\s*{_OPERAND}\s+{_OPERAND}\s*", part)
        if pair is None:
            raise GenotypeError(
                f"{name} cell, node {number}: expected two operations with their "
                "inputs, such as 'conv_3x3@0 identity@1', received "
                f"{shown(part.strip())}"
            )
        op_a, a, op_b, b = pair.groups()
        nodes.append((int(a), op_a, int(b), op_b))
    numbers = ends.split()
    if arrow and not (numbers and all(re.fullmatch(_NUMBER, n) for n in numbers)):
        raise GenotypeError(
            f"{name} cell: expected numbers after ->, received {shown(ends.strip())}"
        )
    return _cell(name, nodes, tuple(map(int, numbers)) if arrow else None)


def _cell(
    name: str,
    nodes: Sequence[tuple[int, str, int, str]],
    concat: tuple[int, ...] | None = None,
) -> Cell:
    try:
        return Cell(tuple(Node(*node) for node in nodes), concat)
    except GenotypeError as error:
        raise GenotypeError(f"{name} cell, {error}") from None
