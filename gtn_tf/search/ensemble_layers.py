"""Layers of several networks of one shape, which are computed at the same time.

For networks so small that calling an operation takes longer than computing it. Each
tensor has the networks as its first axis, and each network has its own weights.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


class Embedding(tf.Module):
    """Embeds tokens.

    Args:
        members: Number of networks.
        tokens: Number of tokens.
        size: Of the embedding.
        dtype: Of the weights.
    """

    def __init__(self, members: int, tokens: int, size: int, dtype: str) -> None:
        super().__init__()
        self.table = tf.Variable(tf.zeros([members, tokens, size], dtype), name="table")

    def __call__(self, tokens: tf.Tensor) -> tf.Tensor:
        """`[members, n, length]` to `[members, n, length, size]`.

        As a product, whose gradient is faster than that of a lookup.
        """
        places = tf.one_hot(tokens, self.table.shape[1], dtype=self.table.dtype)
        return product(places, self.table)


class Dense(tf.Module):
    """A dense layer.

    Args:
        members: Number of networks.
        inputs: Size of the inputs.
        units: Size of the outputs.
        dtype: Of the weights.
        activation: Of the outputs.
    """

    def __init__(
        self,
        members: int,
        inputs: int,
        units: int,
        dtype: str,
        activation: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
    ) -> None:
        super().__init__()
        self.kernel = tf.Variable(
            tf.zeros([members, inputs, units], dtype), name="kernel"
        )
        self.bias = tf.Variable(tf.zeros([members, units], dtype), name="bias")
        self.activation = activation

    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        """`[members, ..., inputs]` to `[members, ..., units]`."""
        outputs = product(inputs, self.kernel)
        shape = [self.bias.shape[0], *[1] * (inputs.shape.rank - 2), -1]
        return self.activation(outputs + tf.reshape(self.bias, shape))


class LSTM(tf.Module):
    """An LSTM.

    Args:
        members: Number of networks.
        inputs: Size of the inputs.
        units: Size of the outputs.
        dtype: Of the weights.
    """

    def __init__(self, members: int, inputs: int, units: int, dtype: str) -> None:
        super().__init__()
        self.gates = Dense(members, inputs, 4 * units, dtype)
        self.kernel = tf.Variable(
            tf.zeros([members, units, 4 * units], dtype), name="kernel"
        )

    def __call__(
        self, inputs: tf.Tensor, state: tuple[tf.Tensor, tf.Tensor] | None = None
    ) -> tf.Tensor:
        """Outputs of all steps.

        Args:
            inputs: `[members, n, steps, inputs]`.
            state: Output and memory before the first step, each
                `[members, n, units]`; zeros if there is none.

        Returns:
            `[members, n, steps, units]`.
        """
        gates = tf.unstack(self.gates(inputs), axis=2)
        if state is None:
            state = (tf.zeros_like(gates[0][..., : self.kernel.shape[1]]),) * 2
        outputs = []
        for one in gates:
            state = self._step(one, *state)
            outputs.append(state[0])
        return tf.stack(outputs, 2)

    def step(
        self, inputs: tf.Tensor, state: tuple[tf.Tensor, tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Output and memory after one step.

        Args:
            inputs: `[members, n, inputs]`.
            state: Output and memory before it, each `[members, n, units]`.
        """
        return self._step(self.gates(inputs), *state)

    def _step(
        self, gates: tf.Tensor, output: tf.Tensor, memory: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        let_in, forget, new, let_out = tf.split(
            gates + tf.matmul(output, self.kernel), 4, -1
        )
        memory = tf.sigmoid(forget) * memory + tf.sigmoid(let_in) * tf.tanh(new)
        return tf.sigmoid(let_out) * tf.tanh(memory), memory


def product(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Each network's matrix product.

    Args:
        inputs: `[members, ..., inputs]`.
        kernel: `[members, inputs, units]`.

    Returns:
        `[members, ..., units]`.
    """
    members, size, units = kernel.shape
    outputs = tf.matmul(tf.reshape(inputs, [members, -1, size]), kernel)
    return tf.reshape(outputs, tf.concat([tf.shape(inputs)[:-1], [units]], 0))
