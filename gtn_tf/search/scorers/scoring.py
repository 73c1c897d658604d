"""Scores one candidate with all scorers, and prepares the scorers."""

from __future__ import annotations

import contextlib
import gc
import logging
from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf

from gtn_tf.errors import GTNError, first_line
from gtn_tf.search.candidate import Build, Candidate, as_candidate
from gtn_tf.search.data import ScoringData
from gtn_tf.search.errors import ScoreError, SearchError
from gtn_tf.search.scorers.base import Scorer


class Preparation:
    """Prepares each scorer once, and closes all when the context ends.

    Args:
        seed: Of the search.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._prepared: list[Scorer] = []

    def __enter__(self) -> Preparation:
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.ExitStack() as stack:  # all close, even if one fails
            while self._prepared:
                stack.callback(self._prepared.pop(0).close)

    def prepare(self, scorers: Iterable[Scorer], data: ScoringData) -> None:
        """Prepares scorers, unless they are prepared already.

        Args:
            scorers: The scorers.
            data: Real data, the same for all candidates.

        Raises:
            SearchError: If a scorer cannot be prepared.
        """
        for scorer in scorers:
            if any(scorer is one for one in self._prepared):
                continue
            self._prepared.append(scorer)
            # The same in each process; TensorFlow takes no larger seeds.
            tf.keras.utils.set_random_seed(self._seed % 2**32)
            try:
                scorer.prepare(data, self._seed)
            except GTNError as error:
                raise SearchError(f"scorer {scorer.name}: {error}") from None
            except Exception as error:  # a scorer of the user's own
                reason = first_line(error)
                raise SearchError(f"scorer {scorer.name}: {reason}") from error


def score(
    candidate: Build | Candidate,
    scorers: Iterable[Scorer],
    data: ScoringData,
    seed: int,
) -> dict[str, float]:
    """Scores a candidate.

    Args:
        candidate: A `Candidate`, or a function that makes the network with fresh
            weights.
        scorers: Prepared scorers. Each starts from the same weights, whatever the
            others.
        data: Real data.
        seed: Of the weights and the scorers' randomness.

    Returns:
        The score of each scorer, and by-products, by name.

    Raises:
        ScoreError: If a scorer's own score is infinite or not a number.
    """
    candidate = as_candidate(candidate)
    scores: dict[str, float] = {}
    for scorer in scorers:
        if scorer.name in scores:  # a by-product of another
            continue
        if scorer.builds(candidate, data):
            tf.keras.backend.clear_session()
            gc.collect()  # only one network in memory
            tf.keras.utils.set_random_seed(seed)  # also frees traced functions' kernels
        with without_retracing_warnings():
            found = scorer.scores(candidate, data, seed)
        value = found[scorer.name]
        if not np.isfinite(value):
            raise ScoreError(f"{scorer.name} is {value}")
        scores.update({n: v for n, v in found.items() if np.isfinite(v)})
    return scores


@contextlib.contextmanager
def without_retracing_warnings() -> Iterator[None]:
    """Hides warnings of retracing: every candidate is a new network."""
    logger = logging.getLogger("tensorflow")

    def keep(record: logging.LogRecord) -> bool:
        text = record.getMessage()
        return "retracing" not in text and "graph_util_impl" not in text

    logger.addFilter(keep)
    try:
        yield
    finally:
        logger.removeFilter(keep)
