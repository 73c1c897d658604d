"""One candidate, scored by all scorers; and what scorers prepare for all candidates."""

from __future__ import annotations

import contextlib
import gc
import logging
from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf

from gtn_tf.errors import GTNError
from gtn_tf.search.candidate import Build, Candidate, as_candidate
from gtn_tf.search.data import ScoringData
from gtn_tf.search.errors import ScoreError, SearchError
from gtn_tf.search.scorers.base import Scorer


class Preparation:
    """What scorers make for many candidates: once, and freed when the context ends.

    Args:
        seed: Of the search.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._prepared: list[Scorer] = []

    def __enter__(self) -> Preparation:
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.ExitStack() as stack:  # one that fails keeps none from closing
            while self._prepared:
                stack.callback(self._prepared.pop(0).close)

    def prepare(self, scorers: Iterable[Scorer], data: ScoringData) -> None:
        """Prepares the scorers that are not prepared yet.

        Args:
            scorers: They may score from now on.
            data: Real data, the same for all candidates.

        Raises:
            SearchError: If a scorer cannot be prepared.
        """
        for scorer in scorers:
            if any(scorer is one for one in self._prepared):
                continue
            self._prepared.append(scorer)
            tf.keras.utils.set_random_seed(self._seed)  # the same in each process
            try:
                scorer.prepare(data, self._seed)
            except GTNError as error:
                raise SearchError(f"scorer {scorer.name}: {error}") from None


def score(
    candidate: Build | Candidate,
    scorers: Iterable[Scorer],
    data: ScoringData,
    seed: int,
) -> dict[str, float]:
    """Scores a candidate.

    Args:
        candidate: Called, it makes its network with fresh weights: a `Candidate`, or a
            function if there is no genotype.
        scorers: Each starts from the same weights, whichever others there are. They are
            prepared, where they have to be.
        data: Real data.
        seed: Of the weights, and of what scorers draw.

    Returns:
        For each scorer's name, its score, and what others it found on the way.

    Raises:
        ScoreError: If a scorer's own score is infinite or not a number.
    """
    candidate = as_candidate(candidate)
    scores: dict[str, float] = {}
    for scorer in scorers:
        if scorer.name in scores:  # another found it on the way
            continue
        if scorer.builds(candidate, data):
            tf.keras.backend.clear_session()
            gc.collect()  # one network at a time, however many candidates
            tf.keras.utils.set_random_seed(seed)  # frees all traced functions' kernels
        with without_retracing_warnings():
            found = scorer.scores(candidate, data, seed)
        value = found[scorer.name]
        if not np.isfinite(value):
            raise ScoreError(f"{scorer.name} is {value}")
        scores.update({n: v for n, v in found.items() if np.isfinite(v)})
    return scores


@contextlib.contextmanager
def without_retracing_warnings() -> Iterator[None]:
    """Each candidate is another network: that each is traced is as it must be."""
    logger = logging.getLogger("tensorflow")

    def keep(record: logging.LogRecord) -> bool:
        text = record.getMessage()
        return "retracing" not in text and "graph_util_impl" not in text

    logger.addFilter(keep)
    try:
        yield
    finally:
        logger.removeFilter(keep)
