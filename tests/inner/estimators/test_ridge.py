"""The ridge meta-loss: its closed form, its slopes, and whose features it takes."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from conftest import real_batches, slow_after, tiny_generator
from gtn_tf import inner
from gtn_tf.data import Augmentation
from gtn_tf.learners import ConvLearners, Learners, MLPLearners
from gtn_tf.learners.pool import TRAINING, WINDOW, fold

SEED = tf.constant([3, 4])
ALL = Augmentation(shift=1, mirror=True, cutout=2)


def distilled(steps=3, soft_labels=2.0):
    shape = (4, 4, 1)
    return gtn_tf.teachers.DatasetDistillation(
        shape, 3, steps, 4, soft_labels=soft_labels
    )


def real(dtype=np.float64):
    images, labels = next(iter(real_batches()))
    return tf.cast(images, dtype), labels


def loss_by_hand(features, targets, others, expected):
    """The mean over examples of the squared error, summed over classes."""
    kernel = features @ features.T
    kernel += 1e-6 * np.trace(kernel) / len(kernel) * np.eye(len(kernel))
    predictions = others @ features.T @ np.linalg.inv(kernel) @ targets
    return predictions, ((predictions - expected) ** 2).sum(-1)


class Linear(Learners):
    """One dense layer: its features are the pixels."""

    def build(self, image_shape, num_classes):
        layers = tf.keras.layers
        flat = [layers.Input(image_shape), layers.Flatten(), layers.Dense(num_classes)]
        return [tf.keras.Sequential(flat)]


@pytest.mark.parametrize("form", ["integers", "one-hot, weighted"])
@pytest.mark.parametrize("soft_labels", [0.0, 2.0])
def test_on_pixels_it_is_their_ridge_regression(
    double_precision, tiny_gtn, form, soft_labels
):
    """With fewer images than pixels, and with more."""
    images, labels = real()
    shares, given = np.ones(5), (images, labels)
    if form != "integers":
        shares = np.array([0.0, 1.0, 2.0, 1.0, 0.5])
        given = images, tf.one_hot(labels, 3), tf.constant(shares)
    for window in (2, 5):
        teacher = distilled(5, soft_labels)
        gtn = tiny_gtn(teacher, Linear(), estimator=gtn_tf.KernelRidge(window))
        weights = gtn.pool.draw(0, SEED)[1]
        variables = gtn.trainable_variables
        found, _ = gtn.meta.gradient(0, weights, given, SEED, variables)
        lessons, targets = teacher.batches(SEED)
        lessons = np.reshape(lessons[:window], [-1, 16])
        targets = targets[:window]
        targets = targets if soft_labels else tf.one_hot(targets, 3)
        targets, expected = np.reshape(targets, [-1, 3]), np.eye(3)[labels]
        others = np.reshape(images, [5, 16])
        by_hand, losses = loss_by_hand(
            lessons, targets - 1 / 3, others, expected - 1 / 3
        )
        np.testing.assert_allclose(found.logits, by_hand, rtol=1e-6, atol=1e-8)
        mean = (losses * shares).mean()
        assert float(found.meta_loss) == pytest.approx(mean, rel=1e-6)


@pytest.mark.parametrize("unroll", slow_after(1, ["recompute", "keep"]))
def test_the_gradient_is_the_slope(double_precision, tiny_gtn, unroll):
    """By pixels, label logits, latents and a generator; by the rates it is 0."""
    teacher = gtn_tf.teachers.GeneratorAndPixels(
        tiny_generator(), steps=3, batch_size=4, soft_labels=2.0
    )
    rng = np.random.default_rng(1)
    teacher.pixels.assign(rng.normal(size=teacher.pixels.shape))  # unlike each other
    learners = ConvLearners([2], [3], batch_norm="full")
    estimator = gtn_tf.KernelRidge(2)
    gtn = tiny_gtn(teacher, learners, estimator=estimator, unroll=unroll)
    weights, data = gtn.pool.draw(0, SEED)[1], real()
    variables = gtn.trainable_variables
    run = tf.function(lambda: gtn.meta.gradient(0, weights, data, SEED, variables))
    gradients, seen = run()[1], ""
    for variable, gradient in zip(variables, gradients):
        if variable.name.startswith("log_"):
            assert not np.any(gradient)
            continue
        seen += variable.name
        before, direction = variable.numpy(), rng.normal(size=variable.shape)
        losses = []
        for sign in (1, -1):
            variable.assign(before + sign * 1e-6 * direction)
            losses.append(float(run()[0].meta_loss))
        variable.assign(before)
        slope = (losses[0] - losses[1]) / 2e-6
        # The scale of what a batch norm follows hardly matters.
        assert abs(slope) > 1e-6 or "/g:" in variable.name, variable.name
        assert np.sum(gradient * direction) == pytest.approx(
            slope, rel=1e-4, abs=2e-9
        ), variable.name
    assert all(name in seen for name in ("pixels", "logits", "latents", "kernel"))


def test_meta_iterations_by_hand(double_precision, tiny_gtn):
    """A learner takes one step in each; the lessons are drawn anew, and augmented."""
    gtn = tiny_gtn(
        distilled(steps=6),
        MLPLearners(units=[3], batch_norm="full"),
        inner_optimizer=gtn_tf.LearnedSGD(0.1, 0.5, 6, rates="fixed"),
        estimator=gtn_tf.KernelRidge(window=2, persistent_learners=1),
        augmentation=ALL,
        learners_per_iteration=2,
    )
    images, labels = data = real()

    @tf.function
    def by_hand(number, born, age):
        drawn, life = (gtn.pool.seed(TRAINING, one) for one in (number, born))
        window = inner.RandomWindow(2).steps_of_fresh(fold(drawn, WINDOW), 6)
        inputs = gtn.meta.inner_inputs(drawn, window)
        inputs = tf.nest.map_structure(
            lambda x: tf.reshape(x, [2, *x.shape[1:]]), inputs
        )
        moved = ALL(images[tf.newaxis], fold(drawn, -2), [window.stop - 1])[0]
        each = []
        for learner in range(2):
            network, weights = gtn.pool.draw(0, fold(life, learner))
            loop = gtn.meta.inner_loop(network)
            taken = gtn.meta.inner_inputs(life, slice(0, age + 1))
            state = inner.train(loop, inner.init_state(loop, weights), taken)
            given = loop, state, inputs, (moved, labels)
            each.append(gtn.estimator.estimate(gtn._unroll, *given))
        return each, window.start

    run = tf.function(gtn.meta.mean_gradient)
    lives, starts, losses = [], set(), set()
    for iteration in range(9):
        number = tf.constant(iteration, tf.int64)
        born, age = gtn.persistent.at(number)
        expected, start = by_hand(number, born, age)
        found, logits, _ = run(number, 2, data, gtn.trainable_variables)
        mean = np.mean([one.meta_loss for one in expected])
        assert float(found) == pytest.approx(mean, rel=1e-9)
        for one, other in zip(logits, expected):
            np.testing.assert_allclose(one, other.logits, rtol=1e-6, atol=1e-9)
        lives.append((int(born), int(age)))
        starts.add(int(start))
        losses.add(round(float(found), 6))
    (born, _), ages = lives[-1], [age for _, age in lives]
    assert born > 0 and max(ages) > 1 and len(starts) > 2
    assert len(losses) == 9  # the features of another age give another loss


def test_a_fit_learns_lessons_and_leaves_the_rates(tiny_gtn):
    """Whatever clips or decays; the ridge gets better at its real batch."""
    gtn = tiny_gtn(
        distilled(),
        MLPLearners(units=[20]),
        estimator=gtn_tf.KernelRidge(2),
        optimizer=gtn_tf.AdamByGroup(0.05, global_clipnorm=1.0),
        relative_clip=2.0,
    )
    before = gtn.inner_optimizer.get_weights()
    data = tf.data.Dataset.from_tensors(real(np.float32)).repeat()
    losses = gtn.fit(data, steps_per_epoch=10, epochs=6, verbose=0).history["meta_loss"]
    assert losses[-1] < 0.6 * losses[0]
    assert int(gtn.skipped) == 0
    for old, new in zip(before, gtn.inner_optimizer.get_weights()):
        np.testing.assert_array_equal(old, new)


def test_learners_without_a_last_dense_layer_are_refused(tiny_gtn):
    class Pooled(Learners):
        def build(self, image_shape, num_classes):
            layers = tf.keras.layers
            stack = [layers.Conv2D(num_classes, 3), layers.GlobalAveragePooling2D()]
            return [tf.keras.Sequential([layers.Input(image_shape), *stack])]

    with pytest.raises(gtn_tf.GTNError, match="sequential.*a dense layer at its end"):
        tiny_gtn(learners=Pooled(), estimator=gtn_tf.KernelRidge(3))
    tiny_gtn(learners=Pooled())


@pytest.mark.parametrize(
    "estimator, message",
    [
        ((0,), "window: expected a number of steps from 1 to 4, received 0"),
        ((5,), "window: expected a number of steps from 1 to 4, received 5"),
        ((2, 0), "persistent_learners: expected at least 1, received 0"),
    ],
)
def test_settings_that_do_not_fit_are_refused(estimator, message):
    with pytest.raises(gtn_tf.GTNError, match=message):
        gtn_tf.KernelRidge(*estimator).check(steps=4)


def test_its_settings_are_saved():
    estimator = gtn_tf.KernelRidge(3, persistent_learners=5)
    saved = tf.keras.saving.serialize_keras_object(estimator)
    assert tf.keras.saving.deserialize_keras_object(saved) == estimator
