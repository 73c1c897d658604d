"""The whole meta-gradient, by a GTN's own variables, against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from conftest import real_batches
from gtn_tf.learners import fresh_weights
from gtn_tf.learners.pool import TRAINING, fold

SEED = tf.constant([0, 1])


def setting(gtn):
    """Weights of a fresh learner and a real batch, both float64, for a GTN."""
    weights = fresh_weights(gtn.pool[0].model, SEED)
    images, labels = next(iter(real_batches()))
    return weights, (tf.cast(images, tf.float64), labels)


def draw_steps(variables, seed=5):
    """A direction for each variable, so that no two entries weigh the same."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=variable.shape) for variable in variables]


@pytest.mark.parametrize(
    "make, names",
    [
        (lambda: gtn_tf.LearnedSGD(0.1, 0.5, 3), ("log_momentum",)),
        (lambda: gtn_tf.LearnedSGD(0.1, 0.5, 3, "shared"), ("log_momentum",)),
        (lambda: gtn_tf.LearnedAdam(0.1, 0.8, 0.9, 3), ("beta_1", "beta_2")),
        pytest.param(
            lambda: gtn_tf.LearnedLAMB(0.1, 0.8, 0.9, 3),
            ("beta_1", "beta_2"),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda: gtn_tf.LearnedRMSProp(0.1, 0.8, 3),
            ("rho",),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["sgd", "sgd, shared", "adam", "lamb", "rmsprop"],
)
def test_gradient_of_every_variable(double_precision, tiny_gtn, make, names):
    """Generator, latents and each hyperparameter, one after the other."""
    gtn = tiny_gtn(inner_optimizer=make())
    expect_slopes(gtn, ["kernel", "latents", "log_learning_rate", *names])


@pytest.mark.parametrize("loss", [None, "categorical", "smoothed"])
@pytest.mark.parametrize("unroll", ["recompute", "keep"])
def test_gradient_of_learned_labels_and_pixels(
    double_precision, tiny_gtn, unroll, loss
):
    """TensorFlow's own cross-entropy has no second derivative by the labels."""
    teacher = gtn_tf.teachers.DatasetDistillation((4, 4, 1), 3, 2, 4, soft_labels=2.0)
    gtn = tiny_gtn(teacher, gtn_tf.learners.MLPLearners(units=[3]), 0.2, unroll=unroll)
    kind = tf.keras.losses.CategoricalCrossentropy
    losses = {"categorical": kind(True), "smoothed": kind(True, 0.1), None: None}
    gtn.compile("adam", losses[loss])
    expect_slopes(gtn, ["pixels", "label_logits", "log_momentum"])


def expect_slopes(gtn, names):
    """Compares each variable's gradient with a slope along a direction."""
    weights, data = setting(gtn)
    variables = gtn.trainable_variables
    run = tf.function(lambda: gtn.meta.gradient(0, weights, data, SEED, variables))
    _, gradients = run()
    directions = draw_steps(variables)
    all_names = " ".join(variable.name for variable in variables)
    for name in names:
        assert name in all_names
    for variable, gradient, direction in zip(variables, gradients, directions):
        before, losses = variable.numpy(), []
        for sign in (1, -1):
            variable.assign(before + sign * 1e-6 * direction)
            losses.append(float(run()[0].meta_loss))
        variable.assign(before)
        slope = (losses[0] - losses[1]) / 2e-6
        assert abs(slope) > 1e-6, variable.name  # a zero would be equal to any zero
        assert np.sum(gradient * direction) == pytest.approx(
            slope, rel=1e-4, abs=2e-9
        ), variable.name


@pytest.mark.slow
def test_a_training_step_follows_that_gradient(double_precision, tiny_gtn):
    gtn = tiny_gtn(optimizer=tf.keras.optimizers.SGD(1.0))
    _, data = setting(gtn)
    seed = gtn.pool.seed(TRAINING, 0)
    weights = fresh_weights(gtn.pool[0].model, fold(fold(seed, 0), 1))
    variables = gtn.trainable_variables
    _, gradients = gtn.meta.gradient(0, weights, data, seed, variables)
    before = [variable.numpy() for variable in variables]
    gtn.fit(tf.data.Dataset.from_tensors(data), verbose=0)
    for variable, old, gradient in zip(variables, before, gradients):
        np.testing.assert_allclose(old - variable.numpy(), gradient, atol=1e-7)
