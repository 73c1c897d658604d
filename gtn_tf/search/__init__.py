"""Architecture search: rank candidates with a teacher, then train the best."""

from gtn_tf.search.candidate import Candidate
from gtn_tf.search.cost import search_cost, seconds_to_reach
from gtn_tf.search.data import ScoringData
from gtn_tf.search.errors import ScoreError, SearchError
from gtn_tf.search.oracle import GTNOracle
from gtn_tf.search.proposers import (
    BayesianProposer,
    ControllerProposer,
    EvolutionProposer,
    History,
    LocalSearchProposer,
    NAOProposer,
    Observation,
    Proposer,
    RandomProposer,
    ReinforceProposer,
)
from gtn_tf.search.ranking import correlations
from gtn_tf.search.scorers import (
    GHNScorer,
    GTNScorer,
    RealDataScorer,
    Scorer,
    SupernetScorer,
    make_scorer,
    score,
)
from gtn_tf.search.simulation import simulate
from gtn_tf.search.spaces import CellSpace, NAOSpace, NASBench201Space
from gtn_tf.search.tuner import GTNTuner

__all__ = [
    "BayesianProposer",
    "Candidate",
    "CellSpace",
    "ControllerProposer",
    "EvolutionProposer",
    "GHNScorer",
    "GTNOracle",
    "GTNScorer",
    "GTNTuner",
    "History",
    "LocalSearchProposer",
    "NAOProposer",
    "NAOSpace",
    "NASBench201Space",
    "Observation",
    "Proposer",
    "RandomProposer",
    "RealDataScorer",
    "ReinforceProposer",
    "ScoreError",
    "Scorer",
    "ScoringData",
    "SearchError",
    "SupernetScorer",
    "correlations",
    "make_scorer",
    "score",
    "search_cost",
    "seconds_to_reach",
    "simulate",
]
