"""Keras models as pure functions of their weights."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from gtn_tf.functional import PureModel
from gtn_tf.layers import BatchNorm
from gtn_tf.recomputed_map import recomputed_map


def model() -> tf.keras.Model:
    layers = tf.keras.layers
    return tf.keras.Sequential(
        [layers.Input([3]), layers.Dense(4), BatchNorm(), layers.Dense(2)]
    )


def test_equals_the_model_and_leaves_it_alone():
    net = model()
    pure = PureModel(net)
    x = tf.random.stateless_normal([5, 3], [0, 0])
    before = [v.numpy() for v in net.variables]
    doubled = [2 * v for v in net.trainable_variables]
    outputs, statistics = pure(doubled, pure.running, x, training=True)
    for variable, value in zip(net.variables, before):
        np.testing.assert_array_equal(variable, value)
    for variable, value in zip(net.trainable_variables, doubled):
        variable.assign(value)
    np.testing.assert_allclose(outputs, net(x, training=True), rtol=1e-5)
    for variable, value in zip(net.non_trainable_variables, statistics):
        np.testing.assert_allclose(variable, value, rtol=1e-5)


def test_variables_are_back_after_an_error():
    net = model()
    variables = net.variables
    pure = PureModel(net)
    with pytest.raises(ValueError, match="incompatible with the layer"):
        pure(pure.trainable, pure.running, tf.zeros([5, 7]), training=True)
    assert all(a is b for a, b in zip(net.variables, variables))
    assert isinstance(net.layers[0].kernel, tf.Variable)


def test_unbuilt_models_and_hidden_variables_are_refused():
    with pytest.raises(ValueError, match="expected a built Keras model"):
        PureModel(tf.keras.Sequential([tf.keras.layers.Dense(2)]))

    class Hidden(tf.keras.layers.Layer):
        def build(self, shape):
            self.kernels = {"a": self.add_weight("kernel", [3, 2])}

        def call(self, x):
            return x @ self.kernels["a"]

    net = tf.keras.Sequential([tf.keras.layers.Input([3]), Hidden()])
    with pytest.raises(ValueError, match="not a plain attribute"):
        PureModel(net)


def test_wrong_number_of_tensors_is_refused():
    pure = PureModel(model())
    with pytest.raises(ValueError, match="expected 6 tensors, received 1"):
        pure([tf.zeros([3, 4])], pure.running, tf.zeros([1, 3]), training=False)


def test_recomputed_map_equals_a_plain_map():
    x = tf.random.stateless_normal([3, 4, 5], [0, 0])
    w = [tf.random.stateless_normal([5, 2], [0, 1]), tf.constant([1.0, 2.0])]
    scale = tf.constant([1, 2, 3])

    def function(w, x, scale):
        return tf.tanh(x @ w[0] + w[1]) * tf.cast(scale, tf.float32)

    def plain(function, w, x, scale):
        return tf.stack([function(w, x[i], scale[i]) for i in range(3)])

    @tf.function
    def run(mapped):
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            result = mapped(function, w, x, scale)
            loss = tf.reduce_sum(result**2)
        return tf.nest.flatten([result, tape.gradient(loss, [x, w])])

    for a, b in zip(run(recomputed_map), run(plain)):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
