"""Scorers of candidates: by short training, or without training."""

from gtn_tf.search.scorers.base import Scorer
from gtn_tf.search.scorers.ghn import GHNScorer
from gtn_tf.search.scorers.make import make_scorer
from gtn_tf.search.scorers.scoring import (
    Preparation,
    score,
    without_retracing_warnings,
)
from gtn_tf.search.scorers.shared import SupernetScorer
from gtn_tf.search.scorers.training import GTNScorer, RealDataScorer, TrainingScorer
from gtn_tf.search.scorers.zero_cost import (
    FlopScorer,
    NASWOTScorer,
    ParameterScorer,
    SynflowScorer,
)

__all__ = [
    "FlopScorer",
    "GHNScorer",
    "GTNScorer",
    "NASWOTScorer",
    "ParameterScorer",
    "Preparation",
    "RealDataScorer",
    "Scorer",
    "SupernetScorer",
    "SynflowScorer",
    "TrainingScorer",
    "make_scorer",
    "score",
    "without_retracing_warnings",
]
