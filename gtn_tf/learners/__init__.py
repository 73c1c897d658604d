"""Distributions over the networks that are taught."""

from gtn_tf.learners.conv import ConvLearners
from gtn_tf.learners.fresh import fresh_weights
from gtn_tf.learners.learners import Learners
from gtn_tf.learners.mlp import MLPLearners

__all__ = ["ConvLearners", "Learners", "MLPLearners", "fresh_weights"]
