"""Layers beside Keras', tfa's and plain ones, up to the second derivative."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
import tensorflow as tf

from conftest import addons
from gtn_tf.layers import (
    BatchNorm,
    MaxPool2D,
    MeanOnlyBatchNorm,
    UpsampleConv2D,
    WeightNormalization,
    weight_norm,
)
from gtn_tf.layers.batch_norm import centre
from gtn_tf.layers.without_addons import WeightNormalizationBase

MAKERS = {
    "dense, outputs scaled": (lambda: tf.keras.layers.Dense(3), [4, 5]),
    "dense, weights scaled": (lambda: tf.keras.layers.Dense(3), [6, 5]),
    "conv": (lambda: tf.keras.layers.Conv2D(3, 2), [2, 4, 4, 2]),
    "conv without bias": (
        lambda: tf.keras.layers.Conv2D(3, 2, use_bias=False, padding="same"),
        [2, 4, 4, 2],
    ),
}


@pytest.fixture(params=["on tfa", "without tfa"])
def normalization(request, monkeypatch):
    """`WeightNormalization` as it is on one stack and on the other."""
    if request.param == "on tfa":
        addons()
        yield WeightNormalization
        return
    monkeypatch.setitem(sys.modules, "tensorflow_addons", None)
    spec = importlib.util.spec_from_file_location("without_tfa", weight_norm.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert issubclass(module.WeightNormalization, WeightNormalizationBase)
    yield module.WeightNormalization
    tf.keras.utils.register_keras_serializable("gtn_tf")(WeightNormalization)


def first_and_second_derivatives(layer, x):
    """Gradient of a loss, and gradient of that gradient's norm, by v, g and x."""
    variables = [layer.v, layer.g]
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            loss = tf.reduce_sum(tf.sin(layer(x)) ** 2)
        first = inner.gradient(loss, variables)
        norm = tf.add_n([tf.reduce_sum(g**2) for g in first])
    return first, outer.gradient(norm, [*variables, x])


@pytest.mark.parametrize("make, shape", MAKERS.values(), ids=MAKERS)
def test_weight_normalization_equals_tfa(
    monkeypatch, double_precision, normalization, make, shape
):
    x = tf.constant(np.random.default_rng(0).normal(size=shape))
    ours = normalization(make())
    monkeypatch.undo()
    theirs = addons().layers.WeightNormalization(make(), data_init=False)
    ours(x), theirs(x)  # tfa sets g = ||V|| in the first call
    for ours_variable, theirs_variable in zip(
        ours.trainable_variables, theirs.trainable_variables
    ):
        ours_variable.assign(theirs_variable)
    ours.g.assign(1.5 * ours.g)
    theirs.g.assign(1.5 * theirs.g)
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-10)
    for a, b in zip(
        first_and_second_derivatives(ours, x), first_and_second_derivatives(theirs, x)
    ):
        for mine, other in zip(a, b):
            np.testing.assert_allclose(mine, other, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("make, shape", MAKERS.values(), ids=MAKERS)
def test_fresh_weight_normalization_equals_the_plain_layer(normalization, make, shape):
    x = tf.constant(np.random.default_rng(0).normal(size=shape), tf.float32)
    plain, normalised = make(), normalization(make())
    plain(x), normalised(x)
    normalised.v.assign(plain.kernel)
    normalised.g.assign(normalised.scale_of(plain.kernel))
    np.testing.assert_allclose(normalised(x), plain(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make, shape", MAKERS.values(), ids=MAKERS)
def test_either_base_reads_what_the_other_wrote(tmp_path, monkeypatch, make, shape):
    base = addons().layers.WeightNormalization
    layers = []
    for one in (base, WeightNormalizationBase):
        layers.append(one(make(), data_init=False, name="same"))
        layers[-1].layer._name = "wrapped"
        layers[-1].build(shape)
    old, new = layers
    described = [[(v.name, v.shape, v.dtype) for v in one.variables] for one in layers]
    assert described[0] == described[1]
    assert old.get_config() == new.get_config()
    assert base.from_config(new.get_config()).get_config() == old.get_config()
    assert old.compute_output_shape(shape) == new.compute_output_shape(shape)
    for source, target in ((old, new), (new, old)):
        for variable in source.trainable_variables:
            variable.assign(tf.random.normal(variable.shape))
        path = tf.train.Checkpoint(layer=source).save(str(tmp_path / "saved"))
        status = tf.train.Checkpoint(layer=target).restore(path)
        status.assert_existing_objects_matched().assert_consumed()
        for a, b in zip(source.variables, target.variables):
            np.testing.assert_array_equal(a, b)


def test_weight_normalization_call_changes_nothing(normalization):
    layer = normalization(tf.keras.layers.Dense(3))
    layer(tf.ones([2, 4]))
    before = {name: id(value) for name, value in vars(layer.layer).items()}
    values = [v.numpy() for v in layer.variables]
    layer(tf.ones([2, 4]))
    assert {name: id(value) for name, value in vars(layer.layer).items()} == before
    for variable, value in zip(layer.variables, values):
        np.testing.assert_array_equal(variable, value)
    assert layer.layer.kernel is layer.v


def test_weight_normalization_survives_saving(tmp_path):
    model = tf.keras.Sequential(
        [tf.keras.layers.Input([4]), WeightNormalization(tf.keras.layers.Dense(3))]
    )
    model.layers[0].g.assign([1.0, 2.0, 3.0])
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    x = tf.random.stateless_normal([2, 4], [0, 0])
    np.testing.assert_allclose(loaded(x), model(x))


@pytest.mark.parametrize("shape", [[6, 3], [5, 2, 2, 3]])
@pytest.mark.parametrize("norm", [MeanOnlyBatchNorm, BatchNorm])
def test_evaluation_uses_the_last_batch(norm, shape):
    layer = norm()
    rng = np.random.default_rng(1)
    layer(tf.constant(rng.normal(size=shape), tf.float32), training=True)
    last = tf.constant(rng.normal(size=shape), tf.float32)
    in_training = layer(last, training=True)
    np.testing.assert_allclose(layer(last, training=False), in_training, atol=1e-5)


@pytest.mark.parametrize("shape", [[4, 6, 3], [4, 5, 2, 2, 3]])
def test_leading_axis_holds_independent_batches(shape):
    x = tf.constant(np.random.default_rng(2).normal(size=shape), tf.float32)
    together = BatchNorm()(x, training=True)
    for one, expected in zip(x, together):
        np.testing.assert_allclose(BatchNorm()(one, training=True), expected, atol=1e-5)


def test_batch_norm_equals_keras():
    x = tf.constant(np.random.default_rng(3).normal(size=[8, 4, 4, 2]), tf.float32)
    theirs = tf.keras.layers.BatchNormalization(epsilon=1e-5)
    np.testing.assert_allclose(
        BatchNorm()(x, training=True), theirs(x, training=True), atol=1e-5
    )


def test_unbiased_variance():
    x = tf.constant([[1.0], [2.0], [6.0]])
    layer = BatchNorm(unbiased=True)
    layer(x, training=True)
    assert float(layer.moving_variance[0]) == pytest.approx(np.var([1, 2, 6], ddof=1))


def test_running_momentum():
    layer = MeanOnlyBatchNorm(momentum=0.75)
    layer(tf.constant([[4.0], [4.0]]), training=True)
    assert float(layer.moving_mean[0]) == pytest.approx(1.0)
    with pytest.raises(ValueError, match=r"in \[0, 1\), received 1"):
        MeanOnlyBatchNorm(momentum=1)


def two_derivatives(function, inputs):
    """A function's value, its gradient, and the gradient of that, by each input.

    Both gradients are taken along fixed directions, so that no part may be missing.
    """
    rng = np.random.default_rng(3)
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(inputs)
        with tf.GradientTape() as inner:
            inner.watch(inputs)
            outputs = tf.nest.flatten(function(*inputs))
            value = sum(
                tf.reduce_sum(one * tf.constant(rng.normal(size=one.shape)) + one**2)
                for one in outputs
            )
        first = inner.gradient(value, inputs)
        along = sum(
            tf.reduce_sum(one * tf.constant(rng.normal(size=one.shape)))
            for one in first
        )
    second = outer.gradient(along, inputs, unconnected_gradients="zero")
    return [value, first, second]


def assert_same_derivatives(function, plain, inputs):
    for run in (lambda f: f, tf.function):
        found = run(lambda *x: two_derivatives(function, list(x)))(*inputs)
        expected = run(lambda *x: two_derivatives(plain, list(x)))(*inputs)
        for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(expected)):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def normal(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape))


@pytest.mark.parametrize("shape", [(6, 3), (4, 5, 5, 3), (2, 6, 3), (2, 4, 5, 5, 3)])
def test_derivatives_of_centre(shape):
    axes = [-4, -3, -2] if len(shape) > 3 else [-2]

    def plain(x, shift):
        mean = tf.reduce_mean(x, axes, keepdims=True)
        return x - mean + shift, mean

    assert_same_derivatives(centre, plain, [normal(*shape), normal(3, seed=1)])


@pytest.mark.parametrize("shape", [(6, 3), (4, 5, 5, 3)])
def test_derivatives_of_batch_norm(double_precision, shape):
    norm = BatchNorm(unbiased=True)
    norm.build(tf.TensorShape(shape))

    def plain(x):
        axes = list(range(len(shape) - 1))
        mean = tf.reduce_mean(x, axes)
        # Not `tf.nn.moments`, whose second derivative by the mean is missing.
        variance = tf.reduce_mean((x - mean) ** 2, axes)
        n = np.prod(shape[:-1])
        scale = tf.math.rsqrt(variance * n / (n - 1) + norm.epsilon)
        return norm.gamma * (x - mean) * scale + norm.beta

    assert_same_derivatives(lambda x: norm(x, training=True), plain, [normal(*shape)])


@pytest.mark.parametrize("pixels", [4, 7])
@pytest.mark.parametrize("size, strides", [(3, 2), (2, 2), (3, 1)])
def test_derivatives_of_max_pooling(double_precision, pixels, size, strides):
    ours = MaxPool2D(size, strides, "same")
    keras = tf.keras.layers.MaxPool2D(size, strides, "same")
    assert_same_derivatives(ours, keras, [normal(2, pixels, pixels, 3)])


@pytest.mark.parametrize("shape", [(2, 4, 5, 3), (2, 3, 1, 2, 3), (2, 2, 3, 3)])
@pytest.mark.parametrize("filters", [1, 4])
def test_upsampling_convolution_equals_three_operations(
    double_precision, shape, filters
):
    layer = UpsampleConv2D(filters)
    layer(tf.zeros(shape))
    bias = normal(filters, seed=2)
    layer.bias.assign(bias)
    rows, columns = shape[-3] * 2, shape[-2] * 2

    def plain(x):
        images = tf.reshape(x, [-1, *shape[-3:]])
        large = tf.repeat(tf.repeat(images, 2, axis=1), 2, axis=2)
        padded = tf.pad(large, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT")
        y = tf.nn.conv2d(padded, layer.kernel, 1, "VALID") + bias
        return tf.reshape(y, [*shape[:-3], rows, columns, filters])

    assert_same_derivatives(layer, plain, [normal(*shape)])
    with tf.GradientTape(persistent=True) as tape:
        x = normal(*shape)
        values = [tf.reduce_sum(f(x) ** 2) for f in (layer, plain)]
    found, expected = (tape.gradient(value, layer.kernel) for value in values)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
