"""How good a teacher is: fresh networks that it has taught, and what to compare with."""

from gtn_tf.evaluation.baselines import RealLessons, real_data_sgd, shuffled
from gtn_tf.evaluation.fresh_learner import FreshLearner
from gtn_tf.evaluation.taught_learners import TaughtLearners, split_for_learners

__all__ = [
    "FreshLearner",
    "RealLessons",
    "TaughtLearners",
    "real_data_sgd",
    "shuffled",
    "split_for_learners",
]
