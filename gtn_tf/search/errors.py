"""Errors of a candidate, and of a whole search."""

from __future__ import annotations

import keras_tuner

from gtn_tf.errors import GTNError


class ScoreError(GTNError, ValueError):
    """A candidate that cannot be scored; the message is one sentence."""


class SearchError(GTNError, keras_tuner.errors.FatalRuntimeError):
    """A search that cannot start or continue; the message is one sentence.

    KerasTuner re-raises it; other errors only fail the trial.
    """
