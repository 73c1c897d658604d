"""Regularised evolution."""

from __future__ import annotations

from gtn_tf.errors import ArgumentError
from gtn_tf.search.proposers.base import History, Proposer, Values
from gtn_tf.search.proposers.neighbours import untried_near


class EvolutionProposer(Proposer):
    """Mutates the best of a sample of the youngest candidates (Real et al. 2019).

    A mutation changes one hyperparameter to another of its values. Candidates age:
    only the last `population` that were scored can be parents, however good an older
    one is, so that a lucky score is forgotten. A candidate that failed is no parent.

    Args:
        population: Candidates that may be parents. The first so many are drawn at
            random.
        sample: Of them, how many are drawn, with replacement; the best is the parent.

    Raises:
        ValueError: If a number is below 1.
    """

    def __init__(self, population: int = 20, sample: int = 5) -> None:
        if population < 1 or sample < 1:
            raise ArgumentError(
                "expected population and sample of at least 1, received "
                f"{population} and {sample}"
            )
        self.population = population
        self.sample = sample

    def propose(self, history: History) -> Values | None:
        scored = [one for one in history.observations if one.score is not None]
        if len(scored) < self.population:
            return history.draw()
        rng, alive = history.rng(), scored[-self.population :]
        drawn = [alive[place] for place in rng.integers(len(alive), size=self.sample)]
        parent = max(drawn, key=lambda one: one.score or 0.0)
        return untried_near(history, parent.values, rng)
