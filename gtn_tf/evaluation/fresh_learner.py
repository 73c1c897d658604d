"""One network, taught repeatedly, each time from fresh weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.accuracy import are_correct, measure
from gtn_tf.inner import graph_rewrites_off
from gtn_tf.labels import AnyLabels
from gtn_tf.learners import fresh_weights
from gtn_tf.teaching.batch_norm import SettleBatchNorm


class FreshLearner:
    """A network that is taught from fresh weights and tested meanwhile.

    It is compiled once, so that many learners cost one trace.

    Args:
        model: A Keras model with logits `[batch, num_classes]`.
        optimizer: The learner's optimizer.

    Example:

    >>> import gtn_tf
    >>> teacher, digits = gtn_tf.load_teacher("digits"), gtn_tf.data.load("digits")
    >>> model = gtn_tf.learners.named_learner("mlp", digits.image_shape, 10)
    >>> learner = FreshLearner(model, teacher.optimizer())
    >>> lessons = teacher.images, teacher.labels
    >>> learner.curve(lessons, digits.test, tested=[12], seed=(0, 1)).shape
    (1, 1)
    """

    def __init__(
        self, model: tf.keras.Model, optimizer: tf.keras.optimizers.Optimizer
    ) -> None:
        self.model = model
        model.compile(optimizer, AnyLabels())
        optimizer.build(model.trainable_variables)
        self._others = [(v, v.numpy()) for v in model.non_trainable_variables]
        self._are_correct = tf.function(self._correct, reduce_retracing=True)
        self._settle = SettleBatchNorm(tf.data.Dataset.range(0))
        self._settle.set_model(model)

    def curve(
        self,
        lessons: tuple[np.ndarray, np.ndarray],
        test: tf.data.Dataset,
        tested: Sequence[int],
        seed: tuple[int, int],
    ) -> np.ndarray:
        """Teaches a fresh learner and tests it after some of the steps.

        Args:
            lessons: Images `[steps, batch, h, w, c]` and labels `[steps, batch]`,
                in any form that `AnyLabels` takes.
            test: Finite dataset of `(images, labels)`.
            tested: Numbers of steps, from 1, after which the learner is tested.
            seed: Seed of its weights.

        Returns:
            The accuracies, `[len(tested), measures]`; see `gtn_tf.accuracy.measure`.
        """
        self._freshen(seed)
        batches = tf.data.Dataset.from_tensor_slices(lessons)
        found = []

        def after(step: int, logs: Any) -> None:
            if step + 1 in tested:
                # Its batch-norm statistics are those of the lessons so far.
                self._settle.settle(batches.take(step + 1))
                found.append(measure(self._are_correct, test))

        callback = tf.keras.callbacks.LambdaCallback(on_batch_end=after)
        with graph_rewrites_off():
            self.model.fit(batches, callbacks=[callback], verbose=0)
        return np.array(found)

    def _freshen(self, seed: tuple[int, int]) -> None:
        fresh = fresh_weights(self.model, tf.constant(seed))
        for variable, value in zip(self.model.trainable_variables, fresh):
            variable.assign(value)
        for variable, value in self._others:
            variable.assign(value)
        for variable in self.model.optimizer.variables:
            if "learning_rate" not in variable.name:
                variable.assign(tf.zeros_like(variable))

    def _correct(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        return are_correct(self.model(images, training=False), labels)
