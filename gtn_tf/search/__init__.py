"""Architecture search: rank by the teacher, then train the few."""

from gtn_tf.search.genotype import Cell, Genotype, GenotypeError, Node
from gtn_tf.search.nas_bench_201 import Genotype201, network_201, read_table
from gtn_tf.search.network import nao_network
from gtn_tf.search.oracle import GTNOracle
from gtn_tf.search.ranking import correlations, search_cost
from gtn_tf.search.scorers import GTNScorer, RealDataScorer, Scorer, ScoringData
from gtn_tf.search.scoring import make_scorer, score
from gtn_tf.search.spaces import CellSpace, NAOSpace, NASBench201Space
from gtn_tf.search.tuner import GTNTuner

__all__ = [
    "Cell",
    "CellSpace",
    "GTNOracle",
    "GTNScorer",
    "GTNTuner",
    "Genotype",
    "Genotype201",
    "GenotypeError",
    "NAOSpace",
    "NASBench201Space",
    "Node",
    "RealDataScorer",
    "Scorer",
    "ScoringData",
    "correlations",
    "make_scorer",
    "nao_network",
    "network_201",
    "read_table",
    "score",
    "search_cost",
]
