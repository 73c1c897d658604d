"""The graph of an architecture's operations, as message passing takes it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gtn_tf.cells.nas_bench_201 import EDGES, OPS_201
from gtn_tf.supernet.nas_bench_201 import used_operations

_NONE = OPS_201.index("none")
_STEM, _RESIDUAL, _HEAD = (len(OPS_201) + i for i in range(3))


class Graph(NamedTuple):
    """Operations, and which of them read which.

    Args:
        kinds: int32 `[n]`: what each operation is.
        reads: `[n, n]`: 1 where the operation of the row reads that of the column.
    """

    kinds: tf.Tensor
    reads: tf.Tensor


class Topology201:
    """The operations of a network of NAS-Bench-201, in the super-network's order.

    An operation is on an edge of a cell; it reads all operations on the edges to the
    node where its own begins. What an architecture does not use (`none`, and what leads
    to a node that nothing reads) neither reads nor is read, so that architectures that
    differ there alone have the same graph.

    Args:
        cells: N, cells in each of the three stages.

    Example:

    >>> topology = Topology201(cells=1)
    >>> topology.size, topology.levels[1], topology.levels[2]
    (22, [1, 2, 4], [3, 5])
    """

    kinds = _HEAD + 1  # how many there are

    def __init__(self, cells: int) -> None:
        self.stages: list[int] = []  # of each operation
        self._reads: list[list[int]] = []
        self._places: list[int] = []  # the edge, or the kind of what is always there
        (outputs,) = [self._add(_STEM, 0, [])]
        for stage in range(3):
            if stage:
                outputs = self._add(_RESIDUAL, stage, outputs)
            for _ in range(cells):
                outputs = self._cell(stage, outputs)
        self._add(_HEAD, 2, outputs)
        self.size = len(self._places)
        self.levels = _levels(self._reads)
        self._possible = np.zeros([self.size, self.size], np.float32)
        for reader, read in enumerate(self._reads):
            self._possible[reader, read] = 1

    def _add(self, place: int, stage: int, reads: list[int]) -> list[int]:
        self._places.append(place)
        self.stages.append(stage)
        self._reads.append(reads)
        return [len(self._places) - 1]

    def _cell(self, stage: int, inputs: list[int]) -> list[int]:
        """Adds a cell; returns what leads to its last node."""
        to_node: list[list[int]] = [inputs, [], [], []]
        for edge, (to, source) in enumerate(EDGES):
            # The kinds of what is always there come after the edges.
            to_node[to] += self._add(edge - len(EDGES), stage, to_node[source])
        return to_node[-1]

    def graph(self, genotype: tf.Tensor, dtype: tf.DType) -> Graph:
        """The graph of an architecture.

        Args:
            genotype: int32 `[6]`, as `SuperNetwork.encode` gives it.
            dtype: Of `reads`.
        """
        used = tf.stack(used_operations(genotype))
        edges = np.array([place < 0 for place in self._places])
        numbers = np.where(edges, np.array(self._places) + len(EDGES), 0)
        of_edges = tf.gather(used, numbers)
        kinds = tf.where(edges, of_edges, np.maximum(self._places, 0))
        there = tf.cast(kinds != _NONE, dtype)
        possible = tf.constant(self._possible, dtype)
        return Graph(kinds, possible * there * there[:, tf.newaxis])


def _levels(reads: list[list[int]]) -> list[list[int]]:
    """Operations in an order in which each comes after all that it may read."""
    level: list[int] = []
    for read in reads:
        level.append(1 + max((level[one] for one in read), default=-1))
    return [
        [number for number, own in enumerate(level) if own == height]
        for height in range(1 + max(level))
    ]
