"""Makes scorers by name."""

from __future__ import annotations

import os
from typing import NamedTuple, Union

from gtn_tf.errors import ArgumentError
from gtn_tf.names import SCORERS
from gtn_tf.search.scorers.base import Scorer
from gtn_tf.search.scorers.ghn import GHNScorer
from gtn_tf.search.scorers.shared import SupernetScorer
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


class ScorerSettings(NamedTuple):
    """Settings of all scorers; each uses some of them."""

    teacher: AnyTeacher | None
    steps: int
    learners: int
    images: int
    learning_rate: float
    momentum: float
    supernet: str | os.PathLike[str] | None
    ghn: str | os.PathLike[str] | None


def gtn(s: ScorerSettings) -> Scorer:
    """The accuracy after a teacher's lessons."""
    return _taught("gtn", s, "accuracy")


def gtn_tse(s: ScorerSettings) -> Scorer:
    """The training speed in a teacher's lessons."""
    return _taught("gtn_tse", s, "tse")


def real(s: ScorerSettings) -> Scorer:
    """The accuracy after as many steps of real data."""
    return _on_real_data(s, "accuracy")


def real_tse(s: ScorerSettings) -> Scorer:
    """The training speed in as many steps of real data."""
    return _on_real_data(s, "tse")


def params(s: ScorerSettings) -> Scorer:
    """The number of parameters."""
    return ParameterScorer()


def flops(s: ScorerSettings) -> Scorer:
    """The number of operations."""
    return FlopScorer()


def synflow(s: ScorerSettings) -> Scorer:
    """Synaptic flow."""
    return SynflowScorer()


def naswot(s: ScorerSettings) -> Scorer:
    """The overlap of activations, without training."""
    return NASWOTScorer()


def supernet(s: ScorerSettings) -> Scorer:
    """The loss with shared weights."""
    if not s.supernet:
        raise ArgumentError(
            "scorer 'supernet': expected a run directory of train-supernet, received "
            "none; pass supernet=..., or --supernet"
        )
    return SupernetScorer(s.supernet, s.images)


def ghn(s: ScorerSettings) -> Scorer:
    """The loss with weights that a graph hypernetwork predicts."""
    if not s.ghn:
        raise ArgumentError(
            "scorer 'ghn': expected a run directory of train-ghn, received none; pass "
            "ghn=..., or --ghn"
        )
    return GHNScorer(s.ghn, s.images)


def make_scorer(
    asked: str | Scorer,
    teacher: AnyTeacher | None = None,
    steps: int = 128,
    learners: int = 1,
    images: int = 2000,
    learning_rate: float = 0.1,
    momentum: float = 0.9,
    supernet: str | os.PathLike[str] | None = None,
    ghn: str | os.PathLike[str] | None = None,
) -> Scorer:
    """Makes a scorer by name.

    Args:
        asked: One of `gtn_tf.names.SCORERS`, or a scorer, which is returned.
        teacher: For `"gtn"` and `"gtn_tse"`: a teacher, or a name or path for
            `gtn_tf.load_teacher`.
        steps: Inner steps of these and of `"real"` and `"real_tse"`.
        learners: Fresh networks whose scores are averaged, for the same.
        images: Maximum number of validation images, for the same, `"supernet"` and
            `"ghn"`.
        learning_rate: Of SGD, for `"real"` and `"real_tse"`.
        momentum: Likewise.
        supernet: Run directory of `train-supernet`, for `"supernet"`.
        ghn: Run directory of `train-ghn`, for `"ghn"`.

    Raises:
        ValueError: If the name is unknown, or if what the scorer needs is missing.

    Example:

    >>> make_scorer("naswot").name
    'naswot'
    """
    if isinstance(asked, Scorer):
        return asked
    settings = ScorerSettings(
        teacher, steps, learners, images, learning_rate, momentum, supernet, ghn
    )
    scorer: Scorer = SCORERS.load(asked)(settings)
    return scorer


def _taught(name: str, s: ScorerSettings, by: str) -> Scorer:
    if s.teacher is None:
        raise ArgumentError(
            f"scorer {name!r}: expected a teacher, received none; pass "
            "gtn_tf.load_teacher(...), or --teacher"
        )
    return GTNScorer(as_teacher(s.teacher), s.steps, s.learners, s.images, by)


def _on_real_data(s: ScorerSettings, by: str) -> Scorer:
    return RealDataScorer(
        s.steps,
        learning_rate=s.learning_rate,
        momentum=s.momentum,
        learners=s.learners,
        images=s.images,
        by=by,
    )
