"""Layers of the paper: weight normalization and its two batch norms."""

from gtn_tf.layers.batch_norm import BatchNorm
from gtn_tf.layers.batch_norm import MeanOnlyBatchNorm
from gtn_tf.layers.weight_norm import WeightNormalization

__all__ = ["BatchNorm", "MeanOnlyBatchNorm", "WeightNormalization"]
