"""Clips the meta-gradient relative to a moving average of its norm."""

from __future__ import annotations

import math
from collections.abc import Sequence

import tensorflow as tf

from gtn_tf.errors import ArgumentError

_DECAY = 0.9


class RelativeClip(tf.keras.layers.Layer):
    """Clips gradients that are much longer than those before them.

    A gradient's norm over all tensors is at most `factor` times the moving average of
    the norms before it, with a decay of 0.9 (RaT-BPTT, Feng et al. 2023, where the
    factor is 2). The average takes norms as clipped, so that one outlier does not
    raise it; it is saved with the model. The first gradient is not clipped.

    Args:
        factor: Largest norm, as a multiple of the average.

    Raises:
        ArgumentError: If the factor is below 1: the average would fall at every step.

    Example:

    >>> clip = RelativeClip(2.0)
    >>> [float(clip.clip([tf.constant(x)])[0]) for x in (1.0, -5.0, 1.0)]
    [1.0, -2.0, 1.0]
    """

    def __init__(self, factor: float) -> None:
        super().__init__(name="relative_clip", trainable=False)
        if not 1 <= factor < math.inf:
            raise ArgumentError(
                "relative_clip: expected 0 or a number of at least 1, "
                f"received {factor}"
            )
        self.factor = factor
        self.average = self.add_weight(
            "average",
            [],
            initializer="zeros",  # until there is a first norm
            trainable=False,
            # All replicas clip the same gradient.
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )
        self.built = True

    def clip(self, gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Clips gradients, and takes their norm into the average.

        Args:
            gradients: Finite tensors.

        Returns:
            Tensors of the same shapes.
        """
        average = tf.convert_to_tensor(self.average)
        norm = tf.linalg.global_norm(gradients)
        limit = tf.where(average > 0, self.factor * average, norm)
        share = tf.where(norm > limit, limit / norm, 1.0)
        mean = _DECAY * average + (1 - _DECAY) * tf.minimum(norm, limit)
        self.average.assign(tf.where(average > 0, mean, norm))
        return [one * share for one in gradients]
