"""What can go wrong with a candidate, and with a whole search."""

from __future__ import annotations

import keras_tuner

from gtn_tf.errors import GTNError


class ScoreError(GTNError, ValueError):
    """A candidate that cannot be scored; the message is one sentence."""


class SearchError(GTNError, keras_tuner.errors.FatalRuntimeError):
    """A search that cannot begin or go on; the message is one sentence.

    KerasTuner lets it pass, where it takes other errors for those of a candidate.
    """
