"""The two phases of a search, stored in a trial's values.

KerasTuner's Hyperband stores its epochs there, too: values are saved with the trial and
sent to the workers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras_tuner

# Keys in the files of a search.
PHASE = "gtn/stage"
SCORED_BY = "gtn/trial_id"  # of a full training: the trial that scored it

SCORE = "score"
TRAIN = "train"


def is_scored(hp: keras_tuner.HyperParameters) -> bool:
    """Whether a trial is scored, not fully trained.

    Args:
        hp: Of a trial.
    """
    return hp.values.get(PHASE) == SCORE


def to_score(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a trial of the first phase.

    Args:
        values: Of the architecture.
    """
    return {**values, PHASE: SCORE}


def to_train(values: Mapping[str, Any], scored_by: str) -> dict[str, Any]:
    """The values of a trial of the second phase.

    Args:
        values: Of the trial that scored the architecture.
        scored_by: The number of that trial.
    """
    return {**without_phase(values), PHASE: TRAIN, SCORED_BY: scored_by}


def without_phase(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the architecture alone.

    Args:
        values: Of a trial.

    Example:

    >>> without_phase(to_train({"units": 3}, scored_by="0007"))
    {'units': 3}
    """
    return {k: v for k, v in values.items() if k not in (PHASE, SCORED_BY)}
