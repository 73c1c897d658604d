"""The inner loop: a learner's training on a teacher's batches, differentiable."""

from gtn_tf.inner.estimators import (
    Estimator,
    FullUnroll,
    KernelRidge,
    LengtheningUnroll,
    MetaGradient,
    PersistentEstimator,
    PersistentWindow,
    RandomWindow,
    TruncatedUnroll,
    differentiate,
)
from gtn_tf.inner.graph_rewrites import graph_rewrites_off
from gtn_tf.inner.optimizers import (
    InnerOptimizer,
    LearnedAdam,
    LearnedLAMB,
    LearnedRMSProp,
    LearnedSGD,
)
from gtn_tf.inner.state import (
    InnerInputs,
    InnerLoop,
    LearnerState,
    Loss,
    Real,
    init_state,
)
from gtn_tf.inner.step import inner_step, logits_of, meta_loss
from gtn_tf.inner.train import train
from gtn_tf.inner.unrolls import Unroll, choose_unroll

__all__ = [
    "Estimator",
    "FullUnroll",
    "KernelRidge",
    "InnerInputs",
    "InnerLoop",
    "InnerOptimizer",
    "LearnedAdam",
    "LearnedLAMB",
    "LearnedRMSProp",
    "LearnedSGD",
    "LearnerState",
    "LengtheningUnroll",
    "Loss",
    "MetaGradient",
    "PersistentEstimator",
    "PersistentWindow",
    "RandomWindow",
    "Real",
    "TruncatedUnroll",
    "Unroll",
    "choose_unroll",
    "differentiate",
    "graph_rewrites_off",
    "init_state",
    "inner_step",
    "logits_of",
    "meta_loss",
    "train",
]
