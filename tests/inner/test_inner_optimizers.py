"""Optimizers of the inner loop: their values, and their updates against Keras'."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from gtn_tf import data, inner, names
from gtn_tf.build import build_gtn
from gtn_tf.config import load_config
from gtn_tf.config.schema import INNER_OPTIMIZERS
from gtn_tf.estimator_settings import SETTINGS
from gtn_tf.weight_tensors import OneTensor, PackedTensors

HALVED = tf.keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)


def vector():
    return OneTensor(rank=1)


def test_sgd_is_learned_per_step_or_shared_or_not_at_all():
    for kind, learned in (("per_step", [4, 4]), ("shared", [1, 1]), ("fixed", [])):
        sgd = inner.LearnedSGD(0.25, 0.5, steps=4, rates=kind)
        rates, momenta = sgd.hyperparameters().values()
        np.testing.assert_allclose(rates, [0.25] * 4, rtol=1e-6)
        np.testing.assert_allclose(momenta, [0.5] * 4, rtol=1e-6)
        assert [v.shape[0] for v in sgd.trainable_variables] == learned
        for variable in sgd.variables:
            variable.assign(variable - 50)
        assert min(sgd.hyperparameters()["learning_rates"].numpy()) > 0
    sgd = inner.LearnedSGD(0.25, 0, steps=2, rates="fixed")
    assert sgd.hyperparameters()["momenta"].numpy().tolist() == [0, 0]


@pytest.mark.parametrize(
    "optimizer, arguments",
    [
        (inner.LearnedSGD, {"learning_rate": 0}),
        (inner.LearnedSGD, {"momentum": 0}),
        (inner.LearnedSGD, {"rates": "per_layer"}),
        (inner.LearnedAdam, {"beta_1": 1}),
        (inner.LearnedAdam, {"beta_2": 0}),
        (inner.LearnedRMSProp, {"rho": 1.5}),
        (inner.LearnedRMSProp, {"learning_rate": -1}),
        (inner.LearnedAdam, {"learning_rate": HALVED, "rates": "shared"}),
    ],
)
def test_values_that_cannot_be_learned_are_refused(optimizer, arguments):
    with pytest.raises(ValueError, match="expected"):
        optimizer(**arguments)


def test_learning_rates_may_begin_as_a_schedule():
    for rates, learned in (("per_step", 3), ("fixed", 0)):
        lamb = inner.LearnedLAMB(HALVED, steps=4, rates=rates)
        assert len(lamb.trainable_variables) == learned
        again = inner.LearnedLAMB.from_config(lamb.get_config())
        for one in (lamb, again):
            found = one.hyperparameters()["learning_rates"]
            np.testing.assert_allclose(found, [0.5, 0.25, 0.125, 0.0625], rtol=1e-6)


def test_a_configuration_lets_learning_rates_decay():
    config = load_config(
        "digits",
        ["inner_optimizer.final_learning_rate=0.1", "inner_optimizer.learning_rate=2"],
    )
    gtn = build_gtn(config, data.load("digits"))
    found = gtn.inner_optimizer.hyperparameters()["learning_rates"].numpy()
    np.testing.assert_allclose(found[[0, -1]], [2, 0.2], rtol=1e-6)
    assert (np.diff(found) < 0).all()


def test_decays_stay_between_0_and_1_whatever_is_learned():
    adam = inner.LearnedAdam(0.1, 0.9, 0.999, steps=3)
    before = adam.hyperparameters()
    np.testing.assert_allclose(before["betas_1"], [0.9] * 3, rtol=1e-6)
    np.testing.assert_allclose(before["betas_2"], [0.999] * 3, rtol=1e-6)
    assert sorted(before) == list(adam.values)
    for change in (-20, 40):
        for variable in adam.variables:
            variable.assign_add(tf.fill([3], float(change)))
        for name in ("betas_1", "betas_2"):
            values = adam.hyperparameters()[name].numpy()
            assert 0 < min(values) and max(values) <= 1


@pytest.mark.parametrize(
    "learned, keras",
    [
        (
            inner.LearnedAdam(0.1, 0.8, 0.9, epsilon=1e-12),
            tf.keras.optimizers.Adam(0.1, 0.8, 0.9, epsilon=1e-12),
        ),
        (
            inner.LearnedRMSProp(0.1, 0.8, epsilon=1e-12),
            tf.keras.optimizers.RMSprop(0.1, 0.8, epsilon=1e-12),
        ),
    ],
    ids=["adam", "rmsprop"],
)
def test_the_update_is_that_of_keras(learned, keras):
    rng = np.random.default_rng(0)
    variable = tf.Variable(rng.normal(size=[4]).astype(np.float32))
    weights = tf.convert_to_tensor(variable)
    state = learned.init(weights)
    values = {name: x[0] for name, x in learned.hyperparameters().items()}
    for _ in range(4):
        gradient = tf.constant(rng.normal(size=[4]).astype(np.float32))
        weights, state = learned.update(weights, state, gradient, values, vector)
        keras.apply_gradients([(gradient, variable)])
        np.testing.assert_allclose(weights, variable, rtol=1e-4)


def test_lamb_is_that_of_tensorflow_addons():
    addons = pytest.importorskip("tensorflow_addons")
    keras = addons.optimizers.LAMB(
        0.1, 0.8, 0.9, 1e-12, exclude_from_layer_adaptation=["bias"]
    )
    rng = np.random.default_rng(0)
    shapes = {"kernel": [3, 2], "bias": [2], "zeros": [2, 2]}
    variables = [
        tf.Variable(rng.normal(size=shape) * (name != "zeros"), name=name)
        for name, shape in shapes.items()
    ]
    learned = inner.LearnedLAMB(0.1, 0.8, 0.9, epsilon=1e-12)
    weights = packed(variables)
    state = learned.init(weights)
    values = {k: tf.cast(x[0], "float64") for k, x in learned.hyperparameters().items()}
    tensors = PackedTensors.of_shapes([*shapes.values()])
    for _ in range(4):
        gradients = [rng.normal(size=shape) for shape in shapes.values()]
        given = weights, state, packed(gradients), values
        weights, state = learned.update(*given, lambda: tensors)
        keras.apply_gradients(zip(map(tf.constant, gradients), variables))
        np.testing.assert_allclose(weights, packed(variables), rtol=1e-5)


def packed(tensors):
    return tf.concat([tf.reshape(x, [-1]) for x in tensors], 0)


@pytest.mark.parametrize("name", names.OPTIMIZERS)
def test_an_optimizer_is_made_again_from_its_configuration(name):
    optimizer = names.OPTIMIZERS.load(name)
    assert optimizer.kind == name
    one = optimizer(0.25, steps=3, rates="shared")
    again = optimizer.from_config(one.get_config())
    assert again.get_config() == one.get_config()
    for name, values in one.hyperparameters().items():
        np.testing.assert_array_equal(again.hyperparameters()[name], values)


def test_every_kind_can_be_configured():
    assert set(INNER_OPTIMIZERS) == set(names.OPTIMIZERS)
    assert set(SETTINGS) == set(names.ESTIMATORS)
    for name in names.ESTIMATORS:
        assert issubclass(names.ESTIMATORS.load(name), SETTINGS[name])
