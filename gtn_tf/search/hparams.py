"""Hyperparameters and results of each trial, for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api

from gtn_tf.search.phases import SCORE, TRAIN, is_scored, without_phase


def write_hparams(folder: Path, trial: Any, results: Mapping[str, float]) -> None:
    """Writes a trial for TensorBoard's table of hyperparameters.

    Args:
        folder: Of the trial.
        trial: Of either phase.
        results: Its metrics.
    """
    phase = SCORE if is_scored(trial.hyperparameters) else TRAIN
    values = {"phase": phase, **without_phase(trial.hyperparameters.values)}
    with tf.summary.create_file_writer(str(folder)).as_default():
        api.hparams(values, trial_id=trial.trial_id)
        for name, value in results.items():
            if np.isfinite(value):
                tf.summary.scalar(name, value, step=0)
