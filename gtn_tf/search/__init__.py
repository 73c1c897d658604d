"""Architecture search: rank by the teacher, then train the few."""

from gtn_tf.search.genotype import Cell, Genotype, GenotypeError, Node
from gtn_tf.search.nas_bench_201 import Genotype201, network_201, read_table
from gtn_tf.search.network import nao_network
from gtn_tf.search.spaces import CellSpace, NAOSpace, NASBench201Space

__all__ = [
    "Cell",
    "CellSpace",
    "Genotype",
    "Genotype201",
    "GenotypeError",
    "NAOSpace",
    "NASBench201Space",
    "Node",
    "nao_network",
    "network_201",
    "read_table",
]
