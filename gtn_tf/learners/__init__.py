"""Distributions over the networks that are taught."""

from gtn_tf.fresh_weights import fresh_weights
from gtn_tf.learners.cells import CellLearners
from gtn_tf.learners.conv import ConvLearners
from gtn_tf.learners.learners import Learners
from gtn_tf.learners.mixed import MixedLearners
from gtn_tf.learners.mlp import MLPLearners
from gtn_tf.learners.named import named_learner
from gtn_tf.learners.resnet import ResNetLearners

__all__ = [
    "CellLearners",
    "ConvLearners",
    "Learners",
    "MLPLearners",
    "MixedLearners",
    "ResNetLearners",
    "fresh_weights",
    "named_learner",
]
