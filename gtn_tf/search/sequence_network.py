"""What the networks that read and write sequences of tokens share.

Their layers draw no weights themselves, which would change the state that other layers
draw from: `reset` does, from a seed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.search.sequences import SequenceEncoding


class SequenceNetwork(tf.Module):
    """A network over sequences, with an optimizer.

    Args:
        encoding: Of the architectures.
        dtype: Of the weights, whatever Keras' precision is.
    """

    def __init__(self, encoding: SequenceEncoding, dtype: str) -> None:
        super().__init__()
        self.encoding = encoding
        self.start = encoding.vocabulary  # the token before the first
        # Added to logits.
        self.forbidden = tf.constant(np.where(encoding.allowed, 0.0, -1e9), dtype)

    def train_with(self, learning_rate: float, **settings: Any) -> None:
        """Makes the optimizer, once all layers are made.

        Args:
            learning_rate: Of Adam.
            **settings: As for `tf.keras.optimizers.Adam`.
        """
        self.optimizer = tf.keras.optimizers.Adam(learning_rate, **settings)
        self.optimizer.build(self.trainable_variables)
        self._fresh = [variable.numpy() for variable in self.optimizer.variables]

    def reset(self, rng: np.random.Generator) -> None:
        """Forgets all training.

        Args:
            rng: Source of new weights: Glorot's uniform ones, and biases of zero.
        """
        for variable in self.trainable_variables:
            shape = variable.shape.as_list()
            is_bias = "bias" in variable.name
            limit = 0.0 if is_bias else np.sqrt(6 / sum(shape[-2:]))
            variable.assign(rng.uniform(-limit, limit, shape))
        for variable, fresh in zip(self.optimizer.variables, self._fresh):
            variable.assign(fresh)

    def descend(self, tape: tf.GradientTape, loss: tf.Tensor) -> None:
        """Makes a step of the optimizer.

        Args:
            tape: That recorded the loss.
            loss: To be lowered.
        """
        weights = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))

    def before(self, tokens: tf.Tensor) -> tf.Tensor:
        """For each token the one before it.

        Args:
            tokens: int32 `[..., length]`.
        """
        first = tf.fill(tf.shape(tokens[..., :1]), self.start)
        return tf.concat([first, tokens[..., :-1]], -1)


def log_probability(log_softmaxes: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
    """Logarithms of the probabilities of the tokens that were chosen.

    Args:
        log_softmaxes: `[n, length, vocabulary]`.
        tokens: int32 `[n, length]`.

    Returns:
        `[n, length]`.
    """
    return tf.gather(log_softmaxes, tokens, axis=2, batch_dims=2)


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
