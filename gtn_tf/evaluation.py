"""How good a teacher is: the accuracy of fresh learners that it has taught."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

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
    teach = tf.function(gtn.teach)
    count_correct = tf.function(gtn.count_correct, reduce_retracing=True)

    def accuracy(number: int) -> float:
        index = number % len(gtn.pool)
        state = teach(index, tf.constant(number))
        counts = [
            (int(count_correct(index, state, images, labels)), len(labels))
            for images, labels in data
        ]
        correct, total = np.sum(counts, axis=0)
        return correct / total

    with graph_rewrites_off():
        return np.array([accuracy(number) for number in range(learners)])
