"""Genotypes as numbers: one for each choice of a space, counted from 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gtn_tf.cells import AnyGenotype, Genotype201, GenotypeError
from gtn_tf.cells.genotype import NODES, Cell, Genotype, Node
from gtn_tf.cells.nas_bench_201 import EDGES


def choices(space: str, ops: Sequence[str]) -> list[int]:
    """How many values each number of a genotype may have.

    Args:
        space: `"nas_bench_201"` or `"nao"`.
        ops: Names of the operations.

    Example:

    >>> from gtn_tf.cells import OPS_201
    >>> choices("nas_bench_201", OPS_201)
    [5, 5, 5, 5, 5, 5]
    """
    if space == "nas_bench_201":
        return [len(ops)] * len(EDGES)
    nodes = [[2 + node, len(ops)] * 2 for node in range(NODES)]
    return [count for node in nodes for count in node] * 2


def encode(genotype: AnyGenotype, space: str, ops: Sequence[str]) -> list[int]:
    """The numbers of a genotype.

    Args:
        genotype: Of the space.
        space: `"nas_bench_201"` or `"nao"`.
        ops: Names of the operations.

    Returns:
        An index into `ops` for each of `EDGES`; of nao, `input_a op_a input_b op_b` for
        each node of both cells.

    Raises:
        GenotypeError: If it is not in the space.
    """
    if isinstance(genotype, Genotype201):
        if space != "nas_bench_201":
            raise GenotypeError(f"expected a genotype of nao, received {genotype}")
        return [ops.index(op) for op in genotype.ops]
    cells = genotype.normal, genotype.reduction
    nodes = [node for cell in cells for node in cell.nodes]
    if (
        space != "nao"
        or any(len(cell.nodes) != NODES or cell.concat for cell in cells)
        or any(op not in ops for op in genotype.ops)
    ):
        raise GenotypeError(
            f"expected a genotype of {space} with {NODES} nodes in each cell, "
            f"its loose ends as output, and operations of "
            f"{', '.join(ops)}, received {genotype}"
        )
    return [
        number
        for node in nodes
        for number in (
            *(node.input_a, ops.index(node.op_a)),
            *(node.input_b, ops.index(node.op_b)),
        )
    ]


def decode(numbers: Sequence[int], space: str, ops: Sequence[str]) -> AnyGenotype:
    """The genotype of numbers; that of nao has its loose ends as output.

    Args:
        numbers: As `encode` gives them.
        space: `"nas_bench_201"` or `"nao"`.
        ops: Names of the operations.

    Example:

    >>> from gtn_tf.cells import OPS_201
    >>> print(decode([3, 1, 0, 0, 4, 2], "nas_bench_201", OPS_201))
    |nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|avg_pool_3x3~1|nor_conv_1x1~2|
    """
    if space == "nas_bench_201":
        return Genotype201(tuple(ops[number] for number in numbers))
    cells = [
        Cell(tuple(Node(a, ops[p], b, ops[q]) for a, p, b, q in nodes))
        for nodes in np.reshape(numbers, [2, NODES, 4]).tolist()
    ]
    return Genotype(*cells)
