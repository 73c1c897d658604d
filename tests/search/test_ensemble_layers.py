"""Layers of several networks at once compute what Keras' layers do for each."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from gtn_tf.search.ensemble_layers import LSTM, Dense, Embedding

MEMBERS, N, STEPS, INPUTS, UNITS = 2, 3, 4, 5, 6


def filled(module: tf.Module) -> tf.Module:
    rng = np.random.default_rng(0)
    for variable in module.variables:
        variable.assign(rng.normal(size=variable.shape))
    return module


def normal(*shape: int) -> tf.Tensor:
    return tf.constant(np.random.default_rng(1).normal(size=shape))


def test_a_dense_layer_of_each_member() -> None:
    layer = filled(Dense(MEMBERS, INPUTS, UNITS, "float64", tf.tanh))
    inputs = normal(MEMBERS, N, STEPS, INPUTS)
    for member, outputs in enumerate(layer(inputs)):
        keras = tf.keras.layers.Dense(UNITS, "tanh", dtype="float64")
        keras.build((None, INPUTS))
        keras.set_weights([layer.kernel[member], layer.bias[member]])
        np.testing.assert_allclose(outputs, keras(inputs[member]), rtol=1e-9)


def test_an_lstm_of_each_member() -> None:
    layer = filled(LSTM(MEMBERS, INPUTS, UNITS, "float64"))
    inputs = normal(MEMBERS, N, STEPS, INPUTS)
    state = normal(MEMBERS, N, UNITS)
    fresh, later = layer(inputs), layer(inputs, (state, state))
    output, memory = layer.step(inputs[:, :, 0], (state, state))
    np.testing.assert_allclose(output, later[:, :, 0])
    output, _ = layer.step(inputs[:, :, 1], (output, memory))
    np.testing.assert_allclose(output, later[:, :, 1])
    for member in range(MEMBERS):
        keras = tf.keras.layers.LSTM(UNITS, return_sequences=True, dtype="float64")
        keras.build((None, None, INPUTS))
        gates = layer.gates
        weights = gates.kernel[member], layer.kernel[member], gates.bias[member]
        keras.set_weights(weights)
        expected = keras(inputs[member])
        np.testing.assert_allclose(fresh[member], expected, rtol=1e-9)
        expected = keras(inputs[member], initial_state=[state[member]] * 2)
        np.testing.assert_allclose(later[member], expected, rtol=1e-9)


def test_an_embedding_of_each_member() -> None:
    layer = filled(Embedding(MEMBERS, 7, UNITS, "float64"))
    tokens = np.random.default_rng(0).integers(7, size=[MEMBERS, N, STEPS])
    embedded = layer(tf.constant(tokens))
    for member in range(MEMBERS):
        expected = layer.table.numpy()[member][tokens[member]]
        np.testing.assert_allclose(embedded[member], expected)
