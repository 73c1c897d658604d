"""Optimizers of the inner loop, meta-learned with the teacher."""

from gtn_tf.inner.optimizers.adam import LearnedAdam
from gtn_tf.inner.optimizers.base import (
    Hyperparameter,
    InnerOptimizer,
    OptimizerState,
    StepGradient,
)
from gtn_tf.inner.optimizers.lamb import LearnedLAMB
from gtn_tf.inner.optimizers.rmsprop import LearnedRMSProp
from gtn_tf.inner.optimizers.sgd import LearnedSGD

__all__ = [
    "Hyperparameter",
    "InnerOptimizer",
    "LearnedAdam",
    "LearnedLAMB",
    "LearnedRMSProp",
    "LearnedSGD",
    "OptimizerState",
    "StepGradient",
]
