"""Search methods: which candidate is scored next."""

from gtn_tf.search.proposers.base import History, Observation, Proposer
from gtn_tf.search.proposers.random import RandomProposer

__all__ = ["History", "Observation", "Proposer", "RandomProposer"]
