"""How good a teacher is: the accuracy of fresh learners that it has taught."""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf

from gtn_tf.accuracy import accuracy
from gtn_tf.gtn import GTN
from gtn_tf.inner import graph_rewrites_off


def fresh_learner_accuracies(
    gtn: GTN, data: tf.data.Dataset, learners: int = 10
) -> np.ndarray:
    """Teaches fresh learners and tests each of them on real data.

    The learners take turns through the pool's architectures. Their weights come
    from seeds that meta-training never uses.

    Args:
        gtn: A meta-trained GTN.
        data: Finite dataset of `(images, labels)`, such as `splits.test`.
        learners: Fresh learners.

    Returns:
        The accuracy of each, `[learners]`.
    """
    # One function for each network: TensorFlow warns of one that is traced often.
    functions = [
        (
            tf.function(functools.partial(gtn.teach, index)),
            tf.function(
                functools.partial(gtn.count_correct, index), reduce_retracing=True
            ),
        )
        for index in range(len(gtn.pool))
    ]

    def of_learner(number: int) -> float:
        teach, count = functions[number % len(functions)]
        return accuracy(functools.partial(count, teach(tf.constant(number))), data)

    with graph_rewrites_off():
        return np.array([of_learner(number) for number in range(learners)])
