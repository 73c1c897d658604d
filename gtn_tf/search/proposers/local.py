"""Local search with restarts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gtn_tf.search.proposers.base import History, Observation, Proposer, Values
from gtn_tf.search.proposers.neighbours import are_neighbours, neighbours


class LocalSearchProposer(Proposer):
    """Climbs from neighbour to neighbour, and restarts at random.

    A neighbour differs in the value of one hyperparameter. Those of the best candidate
    since the last start are scored in random order; as soon as one is better, its own
    neighbours come next. When all are scored and none is better, a new climb starts at
    a candidate drawn at random. Other workers wait until it is scored.
    """

    def __init__(self) -> None:
        # Not read from the scores, which change later if they are sums of ranks.
        self._start = 0  # number of the candidate at which the last climb started
        self._proposed = 0  # candidates so far, with the one proposed last

    def propose(self, history: History) -> Values | None:
        known, rng = history.observations, history.rng()
        self._catch_up(known)
        best = _best(known[self._start :])
        around = [] if best is None else neighbours(history.space, best)
        untried = (
            around[place]
            for place in rng.permutation(len(around))
            if not history.is_tried(around[place])
        )
        found = next(untried, None)
        if found is None:
            # Whether this is a local optimum is known once all neighbours are scored.
            if any(one.is_running for one in known):
                return None
            self._start, found = len(known), history.draw()
        self._proposed = len(known) + 1
        return found

    def get_state(self) -> Any:
        return [self._start, self._proposed]

    def set_state(self, state: Any) -> None:
        self._start, self._proposed = state

    def _catch_up(self, known: Sequence[Observation]) -> None:
        """Finds a start whose state a kill has lost."""
        for number in range(self._proposed, len(known)):
            best = _best(known[self._start : number])
            # No neighbour of a local optimum is left to be drawn.
            if best is None or not are_neighbours(known[number].values, best):
                self._start = number


def _best(known: Sequence[Observation]) -> Values | None:
    """The best candidate, the earliest of equals; `None` if none has a score."""
    scored = [one for one in known if one.score is not None]
    best = max(scored, key=lambda one: one.score or 0.0, default=None)
    return None if best is None else best.values
