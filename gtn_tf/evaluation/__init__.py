"""How good a teacher is: fresh networks that it has taught, and baselines."""

from gtn_tf.evaluation.baselines import (
    Lessons,
    RealLessons,
    expect_same_kind,
    real_data_sgd,
    shuffled,
    tuned_rates,
)
from gtn_tf.evaluation.fresh_learner import FreshLearner
from gtn_tf.evaluation.taught_learners import TaughtLearners, split_for_learners

__all__ = [
    "FreshLearner",
    "Lessons",
    "RealLessons",
    "TaughtLearners",
    "expect_same_kind",
    "real_data_sgd",
    "shuffled",
    "split_for_learners",
    "tuned_rates",
]
