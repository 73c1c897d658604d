"""The exact meta-gradient."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from gtn_tf.estimator_settings import FullSettings
from gtn_tf.inner.estimators.base import Estimator


@tf.keras.utils.register_keras_serializable("gtn_tf")
@dataclasses.dataclass(frozen=True)
class FullUnroll(FullSettings, Estimator):
    """The meta-gradient through all inner steps (paper, section 3).

    Args:
        intermediate_every: Inner steps between intermediate meta-losses, which are
            added to the last one; 0 for none.

    Example:

    >>> FullUnroll(intermediate_every=4).window_of(steps=12)
    12
    """
