"""Cell spaces: their genotypes and networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from gtn_tf.cells.genotype import Genotype
from gtn_tf.cells.nas_bench_201 import Genotype201, network_201
from gtn_tf.cells.network import cell_network


class Space(NamedTuple):
    """A cell space.

    Args:
        genotype: Class of its genotypes, whose `sample` draws one.
        network: Makes a genotype's network; takes the arguments `genotype` to `kind` of
            `cell_network`.
    """

    genotype: type[Any]
    network: Callable[..., tf.keras.Model]


NAO = Space(Genotype, cell_network)
NAS_BENCH_201 = Space(Genotype201, network_201)
