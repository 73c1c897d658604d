"""Features before the last dense layer, of Keras models of every make."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from gtn_tf import learners
from gtn_tf.errors import ArgumentError
from gtn_tf.functional import PureModel
from gtn_tf.kernel_ridge import ridge_predictions
from gtn_tf.penultimate import penultimate

SHAPE = 8, 8, 1
layers = tf.keras.layers


class Subclassed(tf.keras.Model):
    """With a dense layer in the middle, too, of as many units."""

    def __init__(self):
        super().__init__()
        self.first, self.last = layers.Dense(3, "relu"), layers.Dense(3)

    def call(self, inputs, training=False):
        return self.last(self.first(layers.Flatten()(inputs)))


def nested():
    head = tf.keras.Sequential([layers.Input([64]), layers.Dense(3)])
    return tf.keras.Sequential([layers.Input(SHAPE), layers.Flatten(), head])


def subclassed():
    model = Subclassed()
    model(tf.zeros([1, *SHAPE]))
    return model


def drawn(kind, *args, **kwargs):
    return lambda: kind(*args, **kwargs).build(SHAPE, 3)[0]


MODELS = {
    "conv": drawn(learners.ConvLearners, [4], [6]),
    "plain conv": drawn(
        learners.ConvLearners, [4], [], weight_norm=False, batch_norm="none"
    ),
    "mlp": drawn(learners.MLPLearners, [6]),
    "resnet": drawn(learners.ResNetLearners, [4], batch_norm="full"),
    "cells": drawn(learners.CellLearners, "nas_bench_201", filters=2),
    "keras conv": lambda: learners.named_learner("keras_conv", SHAPE, 3),
    "keras resnet": lambda: learners.named_learner("resnet", SHAPE, 3),
    "subclassed": subclassed,
    "nested": nested,
}


@pytest.mark.parametrize("name", MODELS)
def test_a_linear_map_of_the_features_gives_the_logits(name):
    """In an eager call and in a graph's loop; of the weights that are given."""
    network, rng = PureModel(MODELS[name]()), np.random.default_rng(0)
    statistics = [tf.convert_to_tensor(one) for one in network.running]
    weights = [rng.normal(size=v.shape).astype("f") for v in network.trainable]
    images = tf.constant(rng.normal(size=[200, *SHAPE]), tf.float32)

    def run(images):
        return penultimate(network, weights, statistics, images)

    @tf.function
    def in_a_loop(images):
        return tf.map_fn(run, images[tf.newaxis], (tf.float32, tf.float32))

    features, logits = (one.numpy() for one in run(images))
    expected, _ = network(weights, statistics, images, training=False)
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5)
    for found, one in zip(in_a_loop(images), (features, logits)):
        np.testing.assert_allclose(found[0], one, rtol=1e-3, atol=1e-3)
    known = np.concatenate([features, np.ones([200, 1])], axis=1)
    fitted = known @ np.linalg.lstsq(known, logits, rcond=None)[0]
    assert features.shape[1] < 150
    np.testing.assert_allclose(fitted, logits, atol=1e-3 * np.abs(logits).max())
    assert not any("call" in vars(layer) for layer in network.model.submodules)


@pytest.mark.parametrize("last", [layers.Softmax(), layers.Reshape([3, 1])])
def test_other_last_layers_are_refused(last):
    model = tf.keras.Sequential([layers.Input([4]), layers.Dense(3), last], "odd")
    network = PureModel(model)
    with pytest.raises(ArgumentError, match="learner 'odd': expected a dense layer"):
        penultimate(network, network.trainable, [], tf.ones([2, 4]))


@pytest.mark.parametrize("count, size", [(3, 7), (7, 3)])
def test_ridge_predictions_are_the_closed_form(count, size):
    rng = np.random.default_rng(0)
    features, others = rng.normal(size=[count, size]), rng.normal(size=[4, size])
    targets = rng.normal(size=[count, 2])
    kernel = features @ features.T
    kernel += 0.1 * np.trace(kernel) / count * np.eye(count)
    expected = others @ features.T @ np.linalg.inv(kernel) @ targets
    given = (tf.constant(one) for one in (features, targets, others))
    found = ridge_predictions(*given, regularization=0.1)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    given = (tf.constant(one, tf.float32) for one in (features, targets, others))
    found = ridge_predictions(*given, regularization=0.1)
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_no_prediction_from_features_of_zeros():
    zeros = tf.zeros([3, 2])
    assert np.isnan(ridge_predictions(zeros, zeros, zeros)).all()
