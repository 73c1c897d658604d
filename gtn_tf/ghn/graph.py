"""The graph of an architecture's operations, as message passing takes it."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gtn_tf.supernet import SuperNetwork
from gtn_tf.supernet.wiring import NONE, Pick, Place


class Graph(NamedTuple):
    """Operations, and which of them read which.

    Args:
        kinds: int32 `[n]`: what each operation is.
        reads: `[n, n]`: 1 where the operation of the row reads that of the column.
    """

    kinds: tf.Tensor
    reads: tf.Tensor


class Topology:
    """The operations of all architectures of a super-network, in its own order.

    An operation reads all those whose outputs are added or joined to its input. What an
    architecture does not use (an operation that gives zeros, or leads to a node that
    nothing reads) neither reads nor is read, so that architectures that differ there
    alone have the same graph.

    Args:
        network: The super-network.

    Example:

    >>> network = SuperNetwork("nas_bench_201", (8, 8, 1), 10, cells=1, filters=2)
    >>> topology = Topology(network)
    >>> topology.size, topology.levels[1], topology.levels[2]
    (22, [1, 2, 4], [3, 5])
    """

    def __init__(self, network: SuperNetwork) -> None:
        self._places = network.places
        self.size = len(self._places)
        self.stages = [place.stage for place in self._places]
        self.levels = _levels([{*sum(place.states, ())} for place in self._places])
        self.kinds = _kinds(self._places)  # by number
        self._none = self.kinds.get(NONE, -1)
        blocks = [place.block for place in self._places]
        most = max(len(block.operations) for block in blocks)
        self._kinds = np.zeros([self.size, most], np.int32)  # of each operation
        for row, block in zip(self._kinds, blocks):
            row[: len(block.operations)] = [
                self.kinds[o.kind] for o in block.operations
            ]
        # The states of all places, and who may read each of them.
        self._members = np.concatenate([self._members_of(p) for p in self._places])
        counts = [len(place.states) for place in self._places]
        self._readers = np.repeat(np.eye(self.size), counts, axis=1)

    def _members_of(self, place: Place) -> np.ndarray:
        """1 where an operation is part of a state that a place may read."""
        members = np.zeros([len(place.states), self.size])
        for row, state in zip(members, place.states):
            row[list(state)] = 1
        return members

    def graph(self, picks: Sequence[Pick], dtype: tf.DType) -> Graph:
        """The graph of an architecture.

        Args:
            picks: Of each place, in order.
            dtype: Of `reads`.
        """
        picked = tf.stack([tf.cast(pick.operation, tf.int32) for pick in picks])
        kinds = tf.gather(self._kinds, picked, batch_dims=1)
        pairs = zip(self._places, picks)
        inputs = tf.concat([_inputs(p, pick, dtype) for p, pick in pairs], 0)
        readers, members = (
            tf.constant(x, dtype) for x in (self._readers, self._members)
        )
        reads = tf.matmul(readers * inputs, members)
        used = self._used(kinds, reads)
        reads *= used * used[:, tf.newaxis]
        return Graph(tf.where(used > 0, kinds, self._none), reads)

    def _used(self, kinds: tf.Tensor, reads: tf.Tensor) -> tf.Tensor:
        """1 for each operation from which something reaches the last one."""
        there = tf.cast(kinds != self._none, reads.dtype)
        last = used = tf.one_hot(self.size - 1, self.size, dtype=reads.dtype)
        for _ in self.levels:  # one step further back
            readers = tf.linalg.matvec(reads, used, transpose_a=True)
            used = there * tf.minimum(last + readers, 1)
        return used

    def of_inputs(self, number: int, states: tf.Tensor) -> tf.Tensor:
        """What is known of each state that a place may read, from its operations.

        Args:
            number: Of the place.
            states: `[n, state]`, of the operations.

        Returns:
            `[inputs, state]`, of variance 1 if those of the operations are, and
            independent.
        """
        members = self._members_of(self._places[number])
        members /= np.sqrt(members.sum(1, keepdims=True))
        return tf.matmul(tf.constant(members, states.dtype), states)


def _inputs(place: Place, pick: Pick, dtype: tf.DType) -> tf.Tensor:
    """1 for each state that is read, of those that may be."""
    if not place.states:
        return tf.zeros([0], dtype)
    if pick.joined is None:
        return tf.one_hot(pick.source, pick.sources, dtype=dtype)
    return tf.cast(pick.joined, dtype)


def _kinds(places: Sequence[Place]) -> dict[Hashable, int]:
    """The numbers of all kinds, first of those of operations to choose from."""
    blocks = sorted(
        (p.block for p in places), key=lambda block: len(block.operations) < 2
    )
    kinds = dict.fromkeys(o.kind for block in blocks for o in block.operations)
    return {kind: number for number, kind in enumerate(kinds)}


def _levels(reads: Sequence[Collection[int]]) -> list[list[int]]:
    """Operations in an order in which each comes after all that it may read."""
    level: list[int] = []
    for read in reads:
        level.append(1 + max((level[one] for one in read), default=-1))
    return [
        [number for number, own in enumerate(level) if own == height]
        for height in range(1 + max(level))
    ]
