"""The inner loop: a learner's SGD on a teacher's batches, and ways through it."""

from gtn_tf.inner.graph_rewrites import graph_rewrites_off
from gtn_tf.inner.learned_sgd import LearnedSGD
from gtn_tf.inner.meta_gradient import MetaGradient, meta_gradient
from gtn_tf.inner.step import (
    LearnerState,
    Lessons,
    Loss,
    Real,
    inner_step,
    judge,
    start,
)
from gtn_tf.inner.train import train
from gtn_tf.inner.unroll import UNROLLS, check_unroll, choose_unroll

__all__ = [
    "LearnedSGD",
    "LearnerState",
    "Lessons",
    "Loss",
    "MetaGradient",
    "Real",
    "UNROLLS",
    "check_unroll",
    "choose_unroll",
    "graph_rewrites_off",
    "inner_step",
    "judge",
    "meta_gradient",
    "start",
    "train",
]
