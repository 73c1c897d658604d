"""The two stages of a search, as they are kept in a trial's values.

Like KerasTuner's Hyperband, which keeps its epochs there: values are saved with the
trial and go to the workers with it.
"""

from __future__ import annotations

from typing import Any

import keras_tuner

STAGE = "gtn/stage"
SCORED_BY = "gtn/trial_id"  # of the fully trained: the trial that scored it

SCORE = "score"
TRAIN = "train"


def is_scored(hp: keras_tuner.HyperParameters) -> bool:
    """Whether a trial is a scoring and not a full training.

    Args:
        hp: Of a trial.
    """
    return hp.values.get(STAGE) == SCORE


def without_stage(values: dict[str, Any]) -> dict[str, Any]:
    """The values of the architecture alone.

    Args:
        values: Of a trial.
    """
    return {k: v for k, v in values.items() if k not in (STAGE, SCORED_BY)}
