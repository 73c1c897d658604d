"""Optimizers whose traced training steps can be freed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tensorflow as tf


class OneReplica(tf.keras.optimizers.Optimizer):
    """Mixed into a Keras optimizer: no sum over replicas where there is only one.

    Keras sums gradients even then, with a custom gradient that TensorFlow registers for
    ever, together with the whole graph of the training step. A search that trains
    hundreds of networks would keep the graphs of all.
    """

    def aggregate_gradients(self, grads_and_vars: Iterable[Any]) -> Any:
        """Sums gradients over replicas; Keras calls it."""
        if tf.distribute.get_strategy().num_replicas_in_sync == 1:
            return list(grads_and_vars)
        return super().aggregate_gradients(grads_and_vars)


class SGD(OneReplica, tf.keras.optimizers.SGD):
    """Keras' SGD, whose training steps can be freed."""
