"""Scorers by their names."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple, Union

from gtn_tf.errors import ArgumentError
from gtn_tf.search.scorers.base import Scorer
from gtn_tf.search.scorers.training import GTNScorer, RealDataScorer
from gtn_tf.search.scorers.zero_cost import (
    FlopScorer,
    NASWOTScorer,
    ParameterScorer,
    SynflowScorer,
)
from gtn_tf.teaching import TrainedTeacher
from gtn_tf.teaching.load import as_teacher

AnyTeacher = Union[TrainedTeacher, str, "os.PathLike[str]"]


class _Settings(NamedTuple):
    teacher: AnyTeacher | None
    steps: int
    learners: int
    images: int
    learning_rate: float
    momentum: float


def _gtn(name: str, by: str) -> Callable[[_Settings], Scorer]:
    def make(s: _Settings) -> Scorer:
        if s.teacher is None:
            raise ArgumentError(
                f"scorer {name!r}: expected a teacher, received none; pass "
                "gtn_tf.load_teacher(...), or --teacher"
            )
        return GTNScorer(as_teacher(s.teacher), s.steps, s.learners, s.images, by)

    return make


def _real(by: str) -> Callable[[_Settings], Scorer]:
    return lambda s: RealDataScorer(
        s.steps,
        learning_rate=s.learning_rate,
        momentum=s.momentum,
        learners=s.learners,
        images=s.images,
        by=by,
    )


# Each takes what it needs of the settings.
_MAKERS: dict[str, Callable[[_Settings], Scorer]] = {
    "gtn": _gtn("gtn", "accuracy"),
    "gtn_tse": _gtn("gtn_tse", "tse"),
    "real": _real("accuracy"),
    "real_tse": _real("tse"),
    "params": lambda s: ParameterScorer(),
    "flops": lambda s: FlopScorer(),
    "synflow": lambda s: SynflowScorer(),
    "naswot": lambda s: NASWOTScorer(),
}


def make_scorer(
    asked: str | Scorer,
    teacher: AnyTeacher | None = None,
    steps: int = 128,
    learners: int = 1,
    images: int = 2000,
    learning_rate: float = 0.1,
    momentum: float = 0.9,
) -> Scorer:
    """Makes a scorer of its name.

    Args:
        asked: One of `gtn_tf.names.SCORERS`, or a scorer, which is given back.
        teacher: Of the scorers `"gtn"` and `"gtn_tse"`, or what `gtn_tf.load_teacher`
            takes.
        steps: Of these and of `"real"` and `"real_tse"`.
        learners: Fresh networks whose scores are averaged, of the same.
        images: Validation images at most, of the same.
        learning_rate: Of `"real"` and `"real_tse"`.
        momentum: Of the same.

    Raises:
        ValueError: If it is unknown or lacks its teacher.

    Example:

    >>> make_scorer("naswot").name
    'naswot'
    """
    if isinstance(asked, Scorer):
        return asked
    if asked not in _MAKERS:
        raise ArgumentError(
            f"scorer: expected a Scorer or one of {', '.join(_MAKERS)}, received "
            f"{asked!r}"
        )
    settings = _Settings(teacher, steps, learners, images, learning_rate, momentum)
    return _MAKERS[asked](settings)
