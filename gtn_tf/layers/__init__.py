"""Layers of the paper: weight normalization, its batch norms, upsampling."""

from gtn_tf.layers.batch_norm import BatchNorm
from gtn_tf.layers.batch_norm import MeanOnlyBatchNorm
from gtn_tf.layers.upsample_conv import UpsampleConv2D
from gtn_tf.layers.weight_norm import WeightNormalization

__all__ = ["BatchNorm", "MeanOnlyBatchNorm", "UpsampleConv2D", "WeightNormalization"]
