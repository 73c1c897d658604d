"""Weight normalization beside tfa's own, and the two batch norms."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from gtn_tf.layers import BatchNorm, MeanOnlyBatchNorm, WeightNormalization, weight_norm

MAKERS = {
    "dense": (lambda: tf.keras.layers.Dense(3), [4, 5]),
    "conv": (lambda: tf.keras.layers.Conv2D(3, 2), [2, 4, 4, 2]),
    "conv without bias": (
        lambda: tf.keras.layers.Conv2D(3, 2, use_bias=False, padding="same"),
        [2, 4, 4, 2],
    ),
}


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
def test_weight_normalization_equals_tfa(make, shape):
    x = tf.constant(np.random.default_rng(0).normal(size=shape), tf.float32)
    ours = WeightNormalization(make())
    theirs = weight_norm.tfa.layers.WeightNormalization(make(), data_init=False)
    ours(x), theirs(x)  # tfa sets g = ||V|| in the first call
    for ours_variable, theirs_variable in zip(
        ours.trainable_variables, theirs.trainable_variables
    ):
        ours_variable.assign(theirs_variable)
    ours.g.assign(1.5 * ours.g)
    theirs.g.assign(1.5 * theirs.g)
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-6)
    for a, b in zip(
        first_and_second_derivatives(ours, x), first_and_second_derivatives(theirs, x)
    ):
        for mine, other in zip(a, b):
            np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make, shape", MAKERS.values(), ids=MAKERS)
def test_fresh_weight_normalization_equals_the_plain_layer(make, shape):
    x = tf.constant(np.random.default_rng(0).normal(size=shape), tf.float32)
    plain, normalised = make(), WeightNormalization(make())
    plain(x), normalised(x)
    normalised.v.assign(plain.kernel)
    normalised.g.assign(normalised.scale_of(plain.kernel))
    np.testing.assert_allclose(normalised(x), plain(x), rtol=1e-5, atol=1e-6)


def test_weight_normalization_call_changes_nothing():
    layer = WeightNormalization(tf.keras.layers.Dense(3))
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
