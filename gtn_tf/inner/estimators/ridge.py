"""The meta-gradient of a kernel ridge regression on a learner's features."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf

from gtn_tf.estimator_settings import RidgeSettings
from gtn_tf.functional import PureModel
from gtn_tf.inner.estimators.base import MetaGradient
from gtn_tf.inner.estimators.persistent_estimator import PersistentEstimator
from gtn_tf.inner.estimators.random_window import random_window
from gtn_tf.inner.state import InnerInputs, InnerLoop, LearnerState, Real
from gtn_tf.inner.unrolls import Unroll
from gtn_tf.inner.unrolls.recompute import unroll as recompute
from gtn_tf.kernel_ridge import ridge_predictions
from gtn_tf.labels import as_probabilities
from gtn_tf.penultimate import penultimate
from gtn_tf.recomputed_map import recomputed_map


@tf.keras.utils.register_keras_serializable("gtn_tf")
@dataclasses.dataclass(frozen=True)
class KernelRidge(RidgeSettings, PersistentEstimator):
    """FRePo: a learner's last layer is fitted to the lessons in closed form.

    From Zhou et al. 2022, *Dataset Distillation using Neural Feature Regression*
    (arXiv 2206.00719). Learners live on between meta-iterations, as with
    `PersistentWindow`: each takes one inner step in its turn, without a gradient, and
    after the teacher's last step makes way for a fresh one. The meta-loss is that of
    a kernel ridge regression from the features before its last dense layer to labels
    less 1 / num_classes, fitted on lessons, tested on the real batch: the squared
    error, summed over classes, whatever the learners' own loss is. Nothing is unrolled.

    All features are those of evaluation mode: one map for lessons and real images.

    The gradient reaches images and learned labels alone. **That of the learning rates
    and other hyperparameters of the inner optimizer is 0: they stay as they are set**,
    as FRePo's learners have a fixed optimizer. It also does not know of the lessons'
    order.

    Args:
        window: Lessons of a regression, consecutive ones at a random place, drawn in
            each meta-iteration; with the teacher's steps, all. Memory grows with
            the activations of these lessons, or of one, in the unroll `"recompute"`.
        persistent_learners: Learners that are alive at a time, for each of a GTN's
            `learners_per_iteration`.

    Example:

    >>> KernelRidge(window=8, persistent_learners=10).window_of(steps=32)
    8
    """

    draws_lessons = True

    def window_of(self, steps: int) -> int:
        return self.window

    @property
    def steps_of_turn(self) -> int:
        return 1

    def steps_of_fresh(self, seed: tf.Tensor, steps: int) -> slice | None:
        # The first ones: the learner is not taught before.
        return None if self.window == steps else slice(0, self.window)

    def steps_at(
        self, age: tf.Tensor | int, seed: tf.Tensor, steps: int
    ) -> slice | None:
        return random_window(seed, self.window, steps)

    def steps_before(self, age: tf.Tensor) -> slice | None:
        return slice(age, age + 1)

    def check_network(self, network: Any, image_shape: tuple[int, ...]) -> None:
        if isinstance(network, PureModel):
            fresh = [tf.convert_to_tensor(one) for one in network.running]
            image = tf.zeros([1, *image_shape], network.model.compute_dtype)
            penultimate(network, network.trainable, fresh, image)

    def go_on(
        self,
        unroll: Unroll,
        loop: InnerLoop,
        state: LearnerState,
        inputs: InnerInputs,
        real: Real,
    ) -> tuple[LearnerState, MetaGradient]:
        images, labels, *weights = real
        of_real, logits = _features(loop, state, images)
        classes, sources = logits.shape[-1], inputs.differentiable
        with tf.GradientTape() as tape:
            tape.watch(sources)
            features = _features_of_lessons(unroll, loop, state, inputs.images)
            targets = _targets(_joined(inputs.labels), classes, features.dtype)
            predictions = ridge_predictions(_joined(features), targets, of_real)
            errors = predictions - _targets(labels, classes, features.dtype)
            losses = tf.reduce_sum(tf.square(errors), axis=-1)
            for each in weights:
                losses *= tf.cast(tf.reshape(each, [-1]), losses.dtype)
            objective = tf.reduce_mean(losses)
        zero = tf.UnconnectedGradients.ZERO  # of the hyperparameters
        gradients = tape.gradient(objective, sources, unconnected_gradients=zero)
        return state, MetaGradient(objective, predictions, gradients)


def _features(
    loop: InnerLoop, state: LearnerState, images: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """A learner's features `[n, size]` and logits."""
    network = loop.learner
    assert isinstance(network, PureModel), network  # those that live on are
    weights = network.unpack(state.weights)
    return penultimate(network, weights, state.statistics, images)


def _features_of_lessons(
    unroll: Unroll, loop: InnerLoop, state: LearnerState, images: tf.Tensor
) -> tf.Tensor:
    """The features `[steps, batch, size]` of lessons `[steps, batch, h, w, c]`."""
    steps, batch = images.shape[:2]
    if unroll is recompute:
        return recomputed_map(
            lambda _, lesson, __: _features(loop, state, lesson)[0],
            weights=[],
            inputs=images,
            others=tf.range(steps),
        )
    features, _ = _features(loop, state, _joined(images))
    return tf.reshape(features, [steps, batch, features.shape[-1]])


def _targets(labels: tf.Tensor, classes: int, dtype: tf.DType) -> tf.Tensor:
    """Labels in any form, as probabilities less their mean, `[n, k]`."""
    return as_probabilities(labels, classes, dtype) - 1 / classes


def _joined(lessons: tf.Tensor) -> tf.Tensor:
    """All examples of some lessons."""
    return tf.reshape(lessons, [-1, *lessons.shape[2:]])
