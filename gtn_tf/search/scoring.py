"""One candidate, scored by all scorers."""

from __future__ import annotations

import contextlib
import gc
import logging
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.names import SCORERS
from gtn_tf.search.data import ScoringData
from gtn_tf.search.errors import ScoreError
from gtn_tf.search.scorers import Build, GTNScorer, RealDataScorer, Scorer
from gtn_tf.search.zero_cost import (
    FlopScorer,
    NASWOTScorer,
    ParameterScorer,
    SynflowScorer,
)
from gtn_tf.teaching import TrainedTeacher

_UNTRAINED: dict[str, Callable[[], Scorer]] = {
    "params": ParameterScorer,
    "flops": FlopScorer,
    "synflow": SynflowScorer,
    "naswot": NASWOTScorer,
}


def make_scorer(
    asked: str | Scorer, teacher: TrainedTeacher | None = None, steps: int = 128
) -> Scorer:
    """Makes a scorer of its name.

    Args:
        asked: One of `gtn_tf.names.SCORERS`, or a scorer, which is given back.
        teacher: Of the scorers `"gtn"` and `"gtn_tse"`.
        steps: Of these and of `"real"` and `"real_tse"`.

    Raises:
        ValueError: If it is unknown or lacks its teacher.

    Example:

    >>> make_scorer("naswot").name
    'naswot'
    """
    if isinstance(asked, Scorer):
        return asked
    if asked not in SCORERS:
        raise ArgumentError(
            f"scorer: expected a Scorer or one of {', '.join(SCORERS)}, received "
            f"{asked!r}"
        )
    if asked in _UNTRAINED:
        return _UNTRAINED[asked]()
    kind, by = kind_and_measure(asked)
    if kind == "real":
        return RealDataScorer(steps, by=by)
    if teacher is None:
        raise ArgumentError(
            f"scorer {asked!r}: expected a teacher, received none; pass "
            "gtn_tf.load_teacher(...)"
        )
    return GTNScorer(teacher, steps, by=by)


def kind_and_measure(name: str) -> tuple[str, str]:
    """Takes a scorer's name apart: what trains, and what ranks.

    Args:
        name: One of `gtn_tf.names.SCORERS`.

    Example:

    >>> kind_and_measure("gtn"), kind_and_measure("real_tse")
    (('gtn', 'accuracy'), ('real', 'tse'))
    """
    kind, _, measure = name.partition("_")
    return kind, measure or "accuracy"


def score(
    build: Build, scorers: Iterable[Scorer], data: ScoringData, seed: int
) -> dict[str, float]:
    """Scores a candidate.

    Args:
        build: Makes its network with fresh weights.
        scorers: Each starts from the same weights, whichever others there are.
        data: Real data.
        seed: Of the weights, and of what scorers draw.

    Returns:
        For each scorer's name, its score, and what others it found on the way.

    Raises:
        ScoreError: If a scorer's own score is infinite or not a number.
    """
    scores: dict[str, float] = {}
    for scorer in scorers:
        if scorer.name in scores:  # another found it on the way
            continue
        tf.keras.backend.clear_session()
        gc.collect()  # one network at a time, however many candidates
        tf.keras.utils.set_random_seed(seed)
        with without_retracing_warnings():
            found = scorer.scores(build, data, seed)
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
