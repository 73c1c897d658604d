"""One training on several devices or machines, through `tf.distribute`."""

from gtn_tf.distribution.cluster import Cluster, read_tf_config
from gtn_tf.distribution.replicas import a_batch_each, learners_of_each
from gtn_tf.distribution.strategies import choose_strategy
from gtn_tf.distribution.workers import (
    expect_same,
    is_chief,
    number_from_chief,
    together,
    variables_from_chief,
)

__all__ = [
    "Cluster",
    "a_batch_each",
    "choose_strategy",
    "expect_same",
    "is_chief",
    "learners_of_each",
    "number_from_chief",
    "read_tf_config",
    "together",
    "variables_from_chief",
]
