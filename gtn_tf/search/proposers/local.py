"""Local search with restarts."""

from __future__ import annotations

import math
from collections.abc import Iterable

from gtn_tf.search.proposers.base import History, Observation, Proposer, Values
from gtn_tf.search.proposers.neighbours import are_neighbours, neighbours


class LocalSearchProposer(Proposer):
    """Climbs from neighbour to neighbour, and restarts at random.

    A neighbour differs in the value of one hyperparameter. Those of the best candidate
    since the last start are scored in random order; as soon as one is better, its own
    neighbours come next. When all are scored and none is better, a new climb starts at
    a candidate drawn at random. Other workers wait until it is scored.
    """

    def propose(self, history: History) -> Values | None:
        rng, climb = history.rng(), _last_climb(history.observations)
        around = neighbours(history.space, climb[-1]) if climb else []
        for place in rng.permutation(len(around)):
            if not history.is_tried(around[place]):
                return around[place]
        # Whether this is a local optimum is known once all its neighbours are scored.
        waits = any(one.is_running for one in history.observations)
        return None if waits else history.draw()


def _last_climb(observations: Iterable[Observation]) -> list[Values]:
    """The candidates that were the best since the last start, in their order.

    With several workers, a neighbour of an earlier one of them may come late.
    """
    climb: list[Values] = []
    highest = -math.inf
    for one in observations:
        if one.score is None:
            continue
        values = one.values
        if not any(are_neighbours(values, best) for best in climb):
            climb, highest = [values], one.score
        elif one.score > highest:
            climb.append(values)
            highest = one.score
    return climb
