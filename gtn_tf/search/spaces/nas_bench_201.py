"""The space of NAS-Bench-201."""

from __future__ import annotations

from typing import Any

import keras_tuner
import numpy as np
import tensorflow as tf

from gtn_tf.cells import (
    EDGES,
    OPS_201,
    Counts,
    Genotype201,
    count_network,
    network_201,
)
from gtn_tf.search.spaces.base import CellSpace
from gtn_tf.supernet import SuperNetwork

_EDGE_NAMES = [f"edge_{to}_from_{source}" for to, source in EDGES]


class NASBench201Space(CellSpace[Genotype201]):
    """The space of NAS-Bench-201: five operations on the six edges of one cell.

    The benchmark's own size is `cells=5, filters=16`.

    Args:
        image_shape: `(height, width, channels)` of an image of any size.
        num_classes: Number of logits.
        cells: Cells in each of the three stages.
        filters: Channels of the first stage.
        **kwargs: As for `CellSpace`.

    Example:

    >>> space = NASBench201Space((28, 28, 1), 10, cells=1, filters=8)
    >>> hp = keras_tuner.HyperParameters()
    >>> print(space.genotype(hp))
    |none~0|+|none~0|none~1|+|none~0|none~1|none~2|
    """

    def genotype(self, hp: keras_tuner.HyperParameters) -> Genotype201:
        return Genotype201(tuple(hp.Choice(name, OPS_201) for name in _EDGE_NAMES))

    def values(self, genotype: Genotype201) -> dict[str, Any]:
        return dict(zip(_EDGE_NAMES, genotype.ops))

    def network(self, genotype: Genotype201, kind: str = "training") -> tf.keras.Model:
        return network_201(
            genotype, self.image_shape, self.num_classes, self.cells, self.filters, kind
        )

    def counts(self, genotype: Genotype201, kind: str = "training") -> Counts:
        return count_network(
            genotype, self.image_shape, self.num_classes, self.cells, self.filters, kind
        )

    @property
    def supernetwork(self) -> SuperNetwork:
        size = self.image_shape, self.num_classes, self.cells, self.filters
        return self.once(lambda: SuperNetwork("nas_bench_201", *size, self.scored_as))

    def sample(self, rng: np.random.Generator) -> Genotype201:
        return Genotype201.sample(rng)

    def parse(self, text: str) -> Genotype201:
        return Genotype201.parse(text)

    def text(self, genotype: Genotype201) -> str:
        return str(genotype)
