"""Layers of the networks that read and write sequences of tokens.

They draw no weights themselves, which would change the state that other layers draw
from: `draw_weights` does, from a seed.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def embedding(tokens: int, size: int, dtype: str) -> tf.keras.layers.Embedding:
    """Makes a built layer that embeds tokens.

    Args:
        tokens: Number of tokens.
        size: Of the embedding.
        dtype: Of the weights, whatever Keras' precision is.
    """
    layer = tf.keras.layers.Embedding(tokens, size, "zeros", dtype=dtype)
    layer.build([None, None])
    return layer


def dense(
    inputs: int, units: int, dtype: str, activation: str | None = None
) -> tf.keras.layers.Dense:
    """Makes a built dense layer.

    Args:
        inputs: Size of the inputs.
        units: Size of the outputs.
        dtype: As for `embedding`.
        activation: As for Keras.
    """
    layer = tf.keras.layers.Dense(
        units, activation, kernel_initializer="zeros", dtype=dtype
    )
    layer.build([None, inputs])
    return layer


def lstm(inputs: int, units: int, dtype: str) -> tf.keras.layers.RNN:
    """Makes a built LSTM that returns its outputs of all steps.

    Args:
        inputs: Size of the inputs.
        units: Size of the outputs.
        dtype: As for `embedding`.
    """
    cell = tf.keras.layers.LSTMCell(
        units,
        kernel_initializer="zeros",
        recurrent_initializer="zeros",
        unit_forget_bias=False,
        dtype=dtype,
    )
    # Unrolled: the sequences are short, and a loop takes four times as long.
    layer = tf.keras.layers.RNN(cell, return_sequences=True, unroll=True, dtype=dtype)
    cell.build([None, inputs])
    return layer


def draw_weights(module: tf.Module, rng: np.random.Generator) -> None:
    """Gives a module new weights: Glorot's uniform ones, and biases of zero.

    Args:
        module: With layers of this file.
        rng: Source of the draw.
    """
    for variable in module.trainable_variables:
        shape = variable.shape.as_list()
        limit = np.sqrt(6 / sum(shape)) if len(shape) == 2 else 0.0
        variable.assign(rng.uniform(-limit, limit, shape))
