"""A search in memory, by a function in place of networks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras_tuner
import numpy as np

from gtn_tf.search.choices import COLLISIONS, draw_values
from gtn_tf.search.proposers import History, Observation, Proposer
from gtn_tf.search.proposers.base import Values


def simulate(
    proposer: Proposer,
    space: keras_tuner.HyperParameters,
    score: Callable[[Values], float],
    candidates: int,
    seed: int = 0,
) -> list[Observation]:
    """Searches by a function, such as a table of known accuracies.

    It shows within seconds what a search method is worth.

    Args:
        proposer: Chooses the next candidate.
        space: The hyperparameters, as a hypermodel declares them.
        score: The score of an architecture, given its values; greater is better, and
            NaN is a failure.
        candidates: Architectures that are scored.
        seed: Of the proposals.

    Returns:
        The candidates in their order; fewer if the proposer has no more.

    Example:

    >>> from gtn_tf.search import EvolutionProposer
    >>> hp = keras_tuner.HyperParameters()
    >>> _ = [hp.Boolean(f"bit_{n}") for n in range(20)]
    >>> found = simulate(EvolutionProposer(), hp, lambda bits: sum(bits.values()), 200)
    >>> max(one.score for one in found) > 17
    True
    """
    rng = np.random.default_rng([seed, 2**32 - 1])  # apart from all proposals'
    observations: list[Observation] = []
    tried: set[frozenset[tuple[str, Any]]] = set()

    def is_tried(values: Values) -> bool:
        return frozenset(values.items()) in tried

    def draw() -> dict[str, Any] | None:
        for _ in range(COLLISIONS):
            values = draw_values(space, rng)
            if not is_tried(values):
                return values
        return None

    while len(observations) < candidates:
        history = History(tuple(observations), space, seed, draw, is_tried)
        values = proposer.propose(history)
        if values is None:
            break
        hp = keras_tuner.HyperParameters()
        hp.values = dict(values)
        tried.add(frozenset(values.items()))
        observations.append(_observed(hp, float(score(values))))
    return observations


def _observed(hp: keras_tuner.HyperParameters, score: float) -> Observation:
    if math.isnan(score):
        return Observation(hp, "FAILED")
    return Observation(hp, "COMPLETED", score)
