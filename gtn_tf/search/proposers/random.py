"""Random search."""

from __future__ import annotations

from gtn_tf.search.proposers.base import History, Proposer, Values


class RandomProposer(Proposer):
    """Draws each candidate at random, as `keras_tuner.RandomSearch` does."""

    def propose(self, history: History) -> Values | None:
        return history.draw()
