"""How good a teacher is: the accuracy of fresh learners that it has taught."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from gtn_tf.accuracy import are_correct, measure
from gtn_tf.data.stored_images import Images, in_order
from gtn_tf.gtn import GTN
from gtn_tf.inner import LearnerState, graph_rewrites_off, logits_of


class TaughtLearners:
    """Fresh learners of a GTN's pool, taught and tested on real data.

    The learners take turns through the pool's networks. Their weights come from seeds
    that meta-training never uses, and so do architectures that are drawn.

    Args:
        gtn: A GTN; its teacher and its inner optimizer may change between calls.

    Example:

    >>> import gtn_tf
    >>> from gtn_tf.build import build_gtn
    >>> digits = gtn_tf.data.load("digits")
    >>> config = gtn_tf.config.load_config("digits", ["learners.architectures=1"])
    >>> taught = TaughtLearners(build_gtn(config, digits))
    >>> taught.accuracies(digits.test, learners=2, steps=[1, 12]).shape
    (2, 2, 1)
    """

    def __init__(self, gtn: GTN) -> None:
        self._meta = gtn.meta
        self._all_steps = gtn.teacher.steps
        # One function for each network: TensorFlow warns of one that is traced often.
        self._functions = [
            (
                tf.function(functools.partial(gtn.meta.teach, index)),
                tf.function(
                    functools.partial(self._are_correct, index),
                    reduce_retracing=True,
                ),
            )
            for index in range(len(gtn.pool))
        ]

    def accuracies(
        self, data: tf.data.Dataset, learners: int, steps: Sequence[int] | None = None
    ) -> np.ndarray:
        """Teaches fresh learners and tests each after some of the steps.

        Args:
            data: Finite dataset of `(images, labels)`, such as `splits.test`.
            learners: Fresh learners; equal numbers are the same learners.
            steps: Numbers of inner steps, from 1; only the last by default.

        Returns:
            The accuracies, `[learners, len(steps), measures]`; see
            `gtn_tf.accuracy.measure`.
        """
        tested = [self._all_steps] if steps is None else steps
        with graph_rewrites_off():
            return np.array(
                [
                    [self._measured(number, step, data) for step in tested]
                    for number in range(learners)
                ]
            )

    def _measured(self, number: int, steps: int, data: tf.data.Dataset) -> np.ndarray:
        # From the start each time: the result does not depend on other calls.
        teach, correct = self._functions[number % len(self._functions)]
        state = teach(tf.constant(number), tf.constant(steps))
        return measure(functools.partial(correct, tf.constant(number), state), data)

    def _are_correct(
        self,
        index: int,
        number: tf.Tensor,
        state: LearnerState,
        images: tf.Tensor,
        labels: tf.Tensor,
    ) -> tf.Tensor:
        network = self._meta.taught_network(index, number)
        return are_correct(logits_of(network, state, images), labels)


def split_for_learners(
    images: Images, labels: np.ndarray, learners: int = 4, replicas: int = 1
) -> tf.data.Dataset:
    """Splits real data into one batch per learner.

    `GTN.evaluate` teaches a fresh learner for each batch: all of the data is used, and
    a mean over several learners costs no more than one learner on all of it.

    Args:
        images: `[n, h, w, c]`.
        labels: `[n]`.
        learners: Number of learners; more if replicas could not share them equally.
        replicas: Number of replicas of the GTN; Keras splits a batch between them.

    Returns:
        A finite dataset of `(images, labels)`.
    """
    learners = -(-learners // replicas) * replicas
    share = -(-len(labels) // learners)
    return in_order(images, labels, share * replicas)
