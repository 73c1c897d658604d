"""Layers of the paper, fast to differentiate: norms, upsampling, max-pooling."""

from gtn_tf.layers.batch_norm import BatchNorm, MeanOnlyBatchNorm
from gtn_tf.layers.dropping import Dropout, DropPath, StepClock
from gtn_tf.layers.initializers import kaiming_normal
from gtn_tf.layers.max_pool import MaxPool2D
from gtn_tf.layers.upsample_conv import UpsampleConv2D
from gtn_tf.layers.weight_norm import WeightNormalization

__all__ = [
    "BatchNorm",
    "DropPath",
    "Dropout",
    "MaxPool2D",
    "MeanOnlyBatchNorm",
    "StepClock",
    "UpsampleConv2D",
    "WeightNormalization",
    "kaiming_normal",
]
