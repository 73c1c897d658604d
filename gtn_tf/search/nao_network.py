"""The networks of NAO (Luo et al. 2018): an encoder, a predictor and a decoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.search.sequence_network import (
    SequenceNetwork,
    dense,
    embedding,
    log_probability,
    lstm,
)
from gtn_tf.search.sequences import SequenceEncoding

_CHUNK = 100  # training steps of one call


class NAONetwork(SequenceNetwork):
    """Maps sequences into a space in which a gradient leads to better ones, and back.

    The encoder is an LSTM; its outputs are the representation of an architecture, and
    their mean its embedding, all of length one. The predictor reads the embedding. The
    decoder is an LSTM that starts at the embedding, with attention over the encoder's
    outputs.

    The paper's has 96 units, for a pool of 600 architectures, and a learning rate of
    .001. On 100 of them this one learns as much, in half the time.

    Args:
        encoding: Of the architectures.
        embedding_size: Of the tokens.
        units: Of both LSTMs.
        dtype: Of the weights.
        learning_rate: Of Adam.
        weight_decay: Of Adam.
        score_weight: Weight of the predictor's loss; the decoder's has the rest.
    """

    def __init__(
        self,
        encoding: SequenceEncoding,
        embedding_size: int = 32,
        units: int = 32,
        dtype: str = "float32",
        learning_rate: float = 3e-3,
        weight_decay: float = 1e-4,
        score_weight: float = 0.8,
    ) -> None:
        super().__init__(encoding, dtype)
        self.steps = encoding.length // encoding.group
        self.score_weight = score_weight
        tokens, group = encoding.vocabulary + 1, encoding.group
        self.embed = embedding(tokens, embedding_size, dtype)
        self.encoder = lstm(group * embedding_size, units, dtype)
        self.hidden = dense(units, units, dtype, "relu")
        self.score = dense(units, 1, dtype)
        self.embed_output = embedding(tokens, embedding_size, dtype)
        self.decoder = lstm(embedding_size, units, dtype)
        self.attended = dense(2 * units, units, dtype, "tanh")
        self.logits = dense(units, encoding.vocabulary, dtype)
        self.train_with(learning_rate, weight_decay=weight_decay, global_clipnorm=5.0)
        # Traced once, however many architectures there are.
        length, spec = encoding.length, tf.TensorSpec
        some = spec([None, length], tf.int32)
        batches = spec([None, None, length], tf.int32), spec([None, None], dtype)
        states = spec([None, self.steps, units], dtype)
        self._train = tf.function(self._train_in_graph, batches)
        self._states_and_gradient = tf.function(
            self._states_and_gradient_in_graph, [some]
        )
        self._decode = tf.function(self._decode_in_graph, [states])

    def encode(self, tokens: tf.Tensor) -> tf.Tensor:
        """The representations of architectures.

        Args:
            tokens: int32 `[n, length]`.

        Returns:
            `[n, steps, units]`, each vector of length one.
        """
        size = self.encoding.group * self.embed.output_dim
        embedded = tf.reshape(self.embed(tokens), [-1, self.steps, size])
        return tf.nn.l2_normalize(self.encoder(embedded), -1)

    def predict(self, states: tf.Tensor) -> tf.Tensor:
        """Predicted scores, between 0 and 1.

        Args:
            states: From `encode`.

        Returns:
            `[n]`.
        """
        return tf.sigmoid(self.score(self.hidden(_mean(states)))[:, 0])

    def log_probabilities(self, states: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
        """Logarithms of the decoder's probabilities of each token.

        Args:
            states: From `encode`.
            tokens: int32 `[n, length]`; each place sees the tokens before it.

        Returns:
            `[n, length, vocabulary]`; a token that is not allowed has none.
        """
        mean = _mean(states)
        outputs = self.decoder(
            self.embed_output(self.before(tokens)), initial_state=[mean, mean]
        )
        return tf.nn.log_softmax(self._read(states, outputs) + self.forbidden)

    def _read(self, states: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        weights = tf.nn.softmax(tf.matmul(outputs, states, transpose_b=True))
        context = tf.matmul(weights, states)
        return self.logits(self.attended(tf.concat([context, outputs], -1)))

    def loss(self, tokens: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        """The joint loss.

        Args:
            tokens: int32 `[n, length]`.
            targets: `[n]`, scores between 0 and 1.
        """
        states = self.encode(tokens)
        error = tf.reduce_mean((self.predict(states) - targets) ** 2)
        logs = self.log_probabilities(states, tokens)
        found = log_probability(logs, tokens)
        weight = self.score_weight
        return weight * error - (1 - weight) * tf.reduce_mean(found)

    def fit(
        self,
        tokens: np.ndarray,
        targets: np.ndarray,
        epochs: int,
        rng: np.random.Generator,
        batch_size: int = 50,
    ) -> None:
        """Trains all three parts together; branches are exchanged at random.

        Args:
            tokens: int32 `[n, length]`.
            targets: `[n]`, scores between 0 and 1.
            epochs: Times that each architecture is seen.
            rng: Source of the order.
            batch_size: Architectures of a step.
        """
        steps = -(-epochs * len(tokens) // batch_size)
        turns = -(-steps * batch_size // len(tokens))
        order = np.concatenate([rng.permutation(len(tokens)) for _ in range(turns)])
        order = order[: steps * batch_size].reshape([steps, batch_size])
        for first in range(0, steps, _CHUNK):
            chosen = order[first : first + _CHUNK]
            drawn = self.encoding.exchange(tokens[chosen.ravel()], rng)
            self._train(
                tf.constant(drawn.reshape([*chosen.shape, -1])),
                tf.constant(targets[chosen], self.forbidden.dtype),
            )

    def states_and_gradient(self, tokens: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """The representations, and the gradients of the predicted scores there.

        Args:
            tokens: int32 `[n, length]`.

        Returns:
            Two tensors `[n, steps, units]`.
        """
        return self._states_and_gradient(tf.constant(tokens))

    def decode(self, states: Any) -> tf.Tensor:
        """Writes the architectures of representations, the likeliest token each time.

        Args:
            states: `[n, steps, units]`, each vector of length one.

        Returns:
            int32 `[n, length]`, all of them allowed.
        """
        return self._decode(tf.convert_to_tensor(states))

    def _train_in_graph(self, tokens: tf.Tensor, targets: tf.Tensor) -> None:
        for number in tf.range(tf.shape(tokens)[0]):
            with tf.GradientTape() as tape:
                loss = self.loss(tokens[number], targets[number])
            self.descend(tape, loss)

    def _states_and_gradient_in_graph(
        self, tokens: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        states = self.encode(tokens)
        with tf.GradientTape() as tape:
            tape.watch(states)
            predicted = self.predict(states)
        return states, tape.gradient(predicted, states)

    def _decode_in_graph(self, states: tf.Tensor) -> tf.Tensor:
        memory = [_mean(states)] * 2
        token = tf.fill([tf.shape(states)[0]], self.start)
        written = []
        for forbidden in tf.unstack(self.forbidden):
            output, memory = self.decoder.cell(self.embed_output(token), memory)
            logits = self._read(states, output[:, None])[:, 0] + forbidden
            token = tf.argmax(logits, 1, tf.int32)
            written.append(token)
        return tf.stack(written, 1)


def _mean(states: tf.Tensor) -> tf.Tensor:
    return tf.nn.l2_normalize(tf.reduce_mean(states, 1), -1)


def step(states: tf.Tensor, gradient: tf.Tensor, size: float) -> tf.Tensor:
    """Representations of architectures whose predicted scores are better.

    Args:
        states: From `NAONetwork.states_and_gradient`.
        gradient: From the same.
        size: Of the step.

    Returns:
        As `states`: each vector again of length one.
    """
    return tf.nn.l2_normalize(states + size * gradient, -1)
