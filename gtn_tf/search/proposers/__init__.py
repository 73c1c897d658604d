"""Search methods: which candidate is scored next."""

from gtn_tf.search.proposers.base import History, Observation, Proposer
from gtn_tf.search.proposers.bayesian import BayesianProposer
from gtn_tf.search.proposers.controller import ControllerProposer
from gtn_tf.search.proposers.evolution import EvolutionProposer
from gtn_tf.search.proposers.local import LocalSearchProposer
from gtn_tf.search.proposers.nao import NAOProposer
from gtn_tf.search.proposers.random import RandomProposer
from gtn_tf.search.proposers.reinforce import ReinforceProposer

__all__ = [
    "BayesianProposer",
    "ControllerProposer",
    "EvolutionProposer",
    "History",
    "LocalSearchProposer",
    "NAOProposer",
    "Observation",
    "Proposer",
    "RandomProposer",
    "ReinforceProposer",
]
