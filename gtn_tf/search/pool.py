"""Pools of architectures, the worst of which a search method replaces (NAO-WS)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras_tuner
import numpy as np

from gtn_tf.cells import Genotype201
from gtn_tf.search.proposers import History, Observation, Proposer
from gtn_tf.search.proposers.base import Values
from gtn_tf.search.sequences import SequenceEncoding
from gtn_tf.search.spaces import CellSpace


class Pools:
    """Pools of a cell space, each an array of tokens `[size, length]`.

    No two architectures of a pool are the same but for the order of branches. Cells of
    NAS-Bench-201 whose output does not depend on the image are in none.

    Args:
        space: The space.

    Example:

    >>> from gtn_tf.search import LocalSearchProposer, NASBench201Space
    >>> pools = Pools(NASBench201Space((8, 8, 1), 10))
    >>> pool = pools.random(4, np.random.default_rng(0))
    >>> scores = [0.5, 0.9, 0.1, 0.7]
    >>> after = pools.renewed(pool, scores, 2, LocalSearchProposer(), seed=0)
    >>> after.shape, bool((after[:2] == pool[[1, 3]]).all())
    ((4, 6), True)
    """

    def __init__(self, space: CellSpace[Any]) -> None:
        self._space = space
        self._choices = space.choices
        self._encoding = SequenceEncoding(self._choices)

    def genotypes(self, pool: np.ndarray) -> list[Any]:
        """The genotypes of a pool.

        Args:
            pool: int32 `[size, length]`.
        """
        return [self._space.from_values(self._encoding.values(one)) for one in pool]

    def random(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Draws a pool uniformly.

        Args:
            size: Number of architectures.
            rng: Source of the draws.

        Returns:
            int32 `[size, length]`.
        """
        found: dict[tuple[int, ...], np.ndarray] = {}
        while len(found) < size:
            one = self._drawn(rng)
            found.setdefault(self._encoding.canonical(one), one)
        return np.stack([*found.values()])

    def renewed(
        self,
        pool: np.ndarray,
        scores: Sequence[float],
        count: int,
        proposer: Proposer,
        seed: int,
    ) -> np.ndarray:
        """Replaces the worst of a pool by a search method's proposals.

        Args:
            pool: int32 `[size, length]`.
            scores: `[size]`, greater is better. One that is not finite is the worst.
            count: How many are replaced.
            proposer: Sees the pool as a search that has scored it.
            seed: Of the proposals.

        Returns:
            int32 `[size, length]`: those that stay, the best first, then the new ones,
            which were not in the pool.
        """
        seen = {self._encoding.canonical(one) for one in pool}
        rng = np.random.default_rng([seed, 2**32 - 1])  # apart from all proposals'

        def is_tried(values: Values) -> bool:
            same = self._encoding.canonical(self._encoding.tokens(values))
            return same in seen or not is_connected(self._space.from_values(values))

        def draw() -> dict[str, Any]:
            while True:
                values = self._encoding.values(self._drawn(rng))
                if not is_tried(values):
                    return values

        observations = [
            Observation(self._parameters(self._encoding.values(one)), *_outcome(score))
            for one, score in zip(pool, scores)
        ]
        new: list[np.ndarray] = []
        while len(new) < count:
            given = tuple(observations), self._choices, seed, draw, is_tried
            values = proposer.propose(History(*given)) or draw()
            new.append(self._encoding.tokens(values))
            seen.add(self._encoding.canonical(new[-1]))
            observations.append(Observation(self._parameters(values), "RUNNING"))
        stay = best_first(scores)[: len(pool) - count]
        return np.concatenate([pool[stay], new])

    def _drawn(self, rng: np.random.Generator) -> np.ndarray:
        genotype = sample_connected(self._space, rng)
        return self._encoding.tokens(self._space.values(genotype))

    def _parameters(self, values: Values) -> keras_tuner.HyperParameters:
        parameters = keras_tuner.HyperParameters()
        parameters.values = dict(values)
        return parameters


def best_first(scores: Sequence[float]) -> np.ndarray:
    """The places of scores in their order.

    Args:
        scores: `[n]`, greater is better. One that is not finite comes last.

    Example:

    >>> best_first([0.5, float("nan"), 0.9]).tolist()
    [2, 0, 1]
    """
    known = np.where(np.isfinite(scores), scores, -np.inf)
    return np.argsort(-known, kind="stable")


def sample_connected(space: CellSpace[Any], rng: np.random.Generator) -> Any:
    """Draws a genotype uniformly, again while its output ignores the image.

    Args:
        space: The space.
        rng: Source of the draws.
    """
    genotype = space.sample(rng)
    while not is_connected(genotype):
        genotype = space.sample(rng)
    return genotype


def is_connected(genotype: Any) -> bool:
    """Whether the output depends on the image, in NAS-Bench-201; in nao it always does.

    Args:
        genotype: Of a cell space.
    """
    return not isinstance(genotype, Genotype201) or genotype.is_connected


def _outcome(score: float) -> tuple[str, float | None]:
    return ("COMPLETED", float(score)) if np.isfinite(score) else ("FAILED", None)
