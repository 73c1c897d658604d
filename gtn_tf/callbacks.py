"""Callbacks in every form that Keras takes."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def as_list(callbacks: Any) -> list[tf.keras.callbacks.Callback]:
    """Turns a user's `callbacks` into a list.

    Args:
        callbacks: None, one callback, a sequence, or Keras' `CallbackList`.

    Example:

    >>> as_list(None), len(as_list(tf.keras.callbacks.TerminateOnNaN()))
    ([], 1)
    """
    if isinstance(callbacks, tf.keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return tf.nest.flatten([] if callbacks is None else callbacks)
