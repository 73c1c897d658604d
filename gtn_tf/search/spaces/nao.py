"""The space of NAO."""

from __future__ import annotations

from typing import Any

import keras_tuner
import numpy as np
import tensorflow as tf

from gtn_tf.cells import (
    NODES,
    OPS,
    Cell,
    Counts,
    Genotype,
    GenotypeError,
    Node,
    cell_network,
    count_network,
)
from gtn_tf.errors import ArgumentError
from gtn_tf.search.spaces.base import CellSpace
from gtn_tf.shapes import ImageShape
from gtn_tf.supernet import SuperNetwork


class NAOSpace(CellSpace[Genotype]):
    """The space of NAO (Luo et al. 2018): a normal and a reduction cell of five nodes.

    Args:
        image_shape: `(height, width, channels)` of an image of any size.
        num_classes: Number of logits.
        cells: N; the network has 3 N + 2 cells.
        filters: F, channels of the first cells.
        ops: `"large"`, 11 operations, or `"small"`, the 5 of weight sharing.
        **kwargs: As for `CellSpace`.

    Example:

    >>> space = NAOSpace((28, 28, 1), 10, cells=1, filters=8)
    >>> genotype = space.sample(np.random.default_rng(0))
    >>> space.parse(space.text(genotype)) == genotype
    True
    """

    def __init__(
        self,
        image_shape: ImageShape,
        num_classes: int,
        cells: int = 1,
        filters: int = 16,
        ops: str = "large",
        **kwargs: Any,
    ) -> None:
        super().__init__(image_shape, num_classes, cells, filters, **kwargs)
        if ops not in OPS:
            raise ArgumentError(f"ops: expected small or large, received {ops!r}")
        self.ops = OPS[ops]

    def genotype(self, hp: keras_tuner.HyperParameters) -> Genotype:
        return Genotype(self._cell(hp, "normal"), self._cell(hp, "reduction"))

    def _cell(self, hp: keras_tuner.HyperParameters, name: str) -> Cell:
        return Cell(
            tuple(
                Node(
                    hp.Choice(f"{name}_{node}_input_a", list(range(node))),
                    hp.Choice(f"{name}_{node}_op_a", self.ops),
                    hp.Choice(f"{name}_{node}_input_b", list(range(node))),
                    hp.Choice(f"{name}_{node}_op_b", self.ops),
                )
                for node in range(2, 2 + NODES)
            )
        )

    def values(self, genotype: Genotype) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name in ("normal", "reduction"):
            nodes = getattr(genotype, name).nodes
            if len(nodes) != NODES:
                raise GenotypeError(
                    f"{name} cell: expected {NODES} nodes, received {len(nodes)}"
                )
            if getattr(genotype, name).concat:
                raise GenotypeError(
                    f"{name} cell: expected its loose ends as output, received `->`"
                )
            for number, node in enumerate(nodes, start=2):
                for part, value in node._asdict().items():
                    if part.startswith("op") and value not in self.ops:
                        raise GenotypeError(
                            f"{name} cell, node {number}: expected one of "
                            f"{', '.join(self.ops)}, received {value}"
                        )
                    values[f"{name}_{number}_{part}"] = value
        return values

    def network(self, genotype: Genotype, kind: str = "training") -> tf.keras.Model:
        return cell_network(
            genotype, self.image_shape, self.num_classes, self.cells, self.filters, kind
        )

    def counts(self, genotype: Genotype, kind: str = "training") -> Counts:
        return count_network(
            genotype, self.image_shape, self.num_classes, self.cells, self.filters, kind
        )

    @property
    def supernetwork(self) -> SuperNetwork:
        size = self.image_shape, self.num_classes, self.cells, self.filters
        return self.once(lambda: SuperNetwork("nao", *size, self.scored_as, self.ops))

    def sample(self, rng: np.random.Generator) -> Genotype:
        return Genotype.sample(rng, self.ops)

    def parse(self, text: str) -> Genotype:
        return Genotype.parse(text)

    def text(self, genotype: Genotype) -> str:
        try:
            return " ".join(map(str, genotype.to_integers()))
        except GenotypeError:  # it has no integer form
            return str(genotype)
