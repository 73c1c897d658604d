"""A graph hypernetwork: predicts the weights of any architecture of a space."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from gtn_tf.ghn.decoder import Decoder, Join
from gtn_tf.ghn.graph import Topology
from gtn_tf.ghn.parts import Parts
from gtn_tf.ghn.propagation import add_weights, propagate
from gtn_tf.supernet import SuperNetwork
from gtn_tf.supernet.choice_block import ChoiceBlock

_EPSILON = 1e-5  # of layer normalisation


class GHN:
    """A graph hypernetwork (Zhang et al. 2019, arXiv 1810.05749), a pure function.

    Each operation of an architecture has a state, at first of its kind and its stage.
    Messages pass along the graph, forward and backward; then the weights of each
    operation are read from its state, normalised as in GHN-2 (Knyazev et al. 2021,
    arXiv 2110.13100). An architecture is an argument: nothing is traced again for
    another one.

    It has what `gtn_tf.supernet.SharedWeights` has, and can stand in its place: `of`
    gives the weights of an architecture.

    Args:
        network: The super-network, which takes what `of` gives.
        state: Size of an operation's state.
        hidden: Units of the decoder.
        passes: Passes along the graph, each forward and backward.

    Example:

    >>> network = SuperNetwork("nas_bench_201", (8, 8, 1), 10, cells=1, filters=2)
    >>> ghn = GHN(network)
    >>> weights = ghn.fresh(tf.constant([0, 1]))
    >>> cell = network.draw(tf.constant([0, 2]))
    >>> ghn.of(weights, cell).shape[0] == network.size
    True
    """

    def __init__(
        self, network: SuperNetwork, state: int = 32, hidden: int = 64, passes: int = 1
    ) -> None:
        self.network = network
        self.settings: dict[str, Any] = {
            "state": state,
            "hidden": hidden,
            "passes": passes,
        }
        self._topology = Topology(network)
        # Which architecture does not matter, only what its places may read.
        pairs = network.picks(network.draw(tf.constant([0, 0])))
        widths = [
            None if pick.most is None else pick.most // len(place.states)
            for place, (_, pick) in zip(network.places, pairs)
        ]
        blocks = [block for block, _ in pairs]
        # Places with the same block are decoded at once, if they join no states.
        self._alike: dict[ChoiceBlock, list[int]] = {}
        self._joining = []
        for number, (block, width) in enumerate(zip(blocks, widths)):
            if width is None:
                self._alike.setdefault(block, []).append(number)
            else:
                self._joining.append(number)
        self._passes = passes
        self._parts = Parts()
        kinds = len(self._topology.kinds)
        self._parts.add("kinds", [kinds, state], gain=math.sqrt(kinds))
        self._parts.add("stages", [3, state], 3**0.5)
        add_weights(self._parts, state)
        self._decoder = Decoder(zip(blocks, widths), self._parts, state, hidden)

    @property
    def size(self) -> int:
        """Of a vector of its own weights."""
        return self._parts.size

    def fresh(self, seed: tf.Tensor) -> tf.Tensor:
        """Draws its own weights.

        Args:
            seed: int32 `[2]`.

        Returns:
            `[size]`.
        """
        return self._parts.fresh(seed)

    def of(self, weights: tf.Tensor, genotype: tf.Tensor) -> tf.Tensor:
        """Predicts the weights of an architecture, as the super-network takes them.

        Args:
            weights: Its own, `[size]`.
            genotype: As `SuperNetwork.encode` gives it.

        Returns:
            `[network.size]`; zeros where the architecture has no weights.
        """
        own = self._parts.split(weights)
        states = self.states(weights, genotype)
        pairs = self.network.picks(genotype)
        picked = [tf.cast(pick.operation, tf.int32) for _, pick in pairs]
        slots: dict[int, tf.Tensor] = {}
        for block, places in self._alike.items():
            chosen = tf.stack([picked[place] for place in places])
            found = self._decoder(block, tf.gather(states, places), chosen, own)
            slots.update(zip(places, tf.unstack(found)))
        for place in self._joining:
            block, pick = pairs[place]
            inputs = self._topology.of_inputs(place, states)
            join = Join(inputs, pick.rows, pick.channels)
            given = states[place : place + 1], picked[place][tf.newaxis], own, join
            slots[place] = self._decoder(block, *given)[0]
        return tf.concat([slots[place] for place in range(len(slots))], 0)

    def states(self, weights: tf.Tensor, genotype: tf.Tensor) -> tf.Tensor:
        """The states from which the weights are read.

        Args:
            weights: As for `of`.
            genotype: As for `of`.

        Returns:
            `[operations, state]`, of mean 0 and variance 1.
        """
        own = self._parts.split(weights)
        topology, dtype = self._topology, weights.dtype
        picks = [pick for _, pick in self.network.picks(genotype)]
        graph = topology.graph(picks, dtype)
        # A product, whose gradient is summed in the same order each time.
        kinds = tf.one_hot(graph.kinds, len(topology.kinds), dtype=dtype)
        stages = tf.one_hot(topology.stages, 3, dtype=dtype)
        states = tf.matmul(kinds, own["kinds"]) + tf.matmul(stages, own["stages"])
        states = propagate(states, graph.reads, topology.levels, own, self._passes)
        mean, variance = tf.nn.moments(states, -1, keepdims=True)
        return (states - mean) * tf.math.rsqrt(variance + _EPSILON)
