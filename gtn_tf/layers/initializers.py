"""Initialization of fresh weights."""

from __future__ import annotations

import tensorflow as tf


def kaiming_normal() -> tf.keras.initializers.Initializer:
    """The paper's initializer of V: normal, standard deviation `sqrt(2 / fan_in)`."""
    return tf.keras.initializers.VarianceScaling(2.0, "fan_in", "untruncated_normal")
