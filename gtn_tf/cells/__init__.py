"""Cells: their genotypes, and the networks that are stacked from them."""

from gtn_tf.cells.counts import Counts, count_network
from gtn_tf.cells.errors import GenotypeError
from gtn_tf.cells.genotype import NODES, OPS, SKIPS, Cell, Genotype, Node
from gtn_tf.cells.nas_bench_201 import (
    EDGES,
    OPS_201,
    Genotype201,
    network_201,
    read_table,
)
from gtn_tf.cells.network import cell_network
from gtn_tf.cells.published import PUBLISHED, Published
from gtn_tf.cells.reading import (
    AnyGenotype,
    Written,
    parse_genotype,
    read_genotype,
    read_genotypes,
)

__all__ = [
    "EDGES",
    "NODES",
    "OPS",
    "OPS_201",
    "PUBLISHED",
    "SKIPS",
    "AnyGenotype",
    "Cell",
    "Counts",
    "Genotype",
    "Genotype201",
    "GenotypeError",
    "Node",
    "Published",
    "Written",
    "cell_network",
    "count_network",
    "network_201",
    "parse_genotype",
    "read_genotype",
    "read_genotypes",
    "read_table",
]
