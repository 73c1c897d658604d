"""The networks of NAO (Luo et al. 2018): encoders, predictors and decoders."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.search.ensemble_layers import LSTM, Dense, Embedding
from gtn_tf.search.sequence_network import SequenceNetwork
from gtn_tf.search.sequences import SequenceEncoding

_CHUNK = 100  # training steps of one call


class NAONetwork(SequenceNetwork):
    """Maps sequences into a space in which a gradient leads to better ones, and back.

    The encoder is an LSTM; its outputs are the representation of an architecture, and
    their mean its embedding, all of length one. The predictor reads the embedding. The
    decoder is an LSTM that starts at the embedding, with attention over the encoder's
    outputs.

    It is an ensemble: several members of one shape, each with its own weights, order of
    the training data and representation of an architecture. They are computed at the
    same time.

    The paper's has one member of 96 units, for a pool of 600 architectures, and a
    learning rate of .001.

    Args:
        encoding: Of the architectures.
        members: Number of networks.
        embedding_size: Of the tokens.
        units: Of both LSTMs.
        dtype: Of the weights.
        learning_rate: Of Adam.
        weight_decay: Of Adam.
        dropout: Share of the tokens' embeddings, and of what the predictor's hidden
            layer computes, that is dropped in training.
        score_weight: Weight of the predictor's loss; the decoder's has the rest.
    """

    def __init__(
        self,
        encoding: SequenceEncoding,
        members: int = 4,
        embedding_size: int = 32,
        units: int = 32,
        dtype: str = "float32",
        learning_rate: float = 3e-3,
        weight_decay: float = 1e-4,
        dropout: float = 0.3,
        score_weight: float = 0.5,
    ) -> None:
        super().__init__(encoding, dtype)
        self.members = members
        self.steps = encoding.length // encoding.group
        self.dropout = dropout
        self.score_weight = score_weight
        tokens, group = encoding.vocabulary + 1, encoding.group
        self.embed = Embedding(members, tokens, embedding_size, dtype)
        self.place = Embedding(members, encoding.length, embedding_size, dtype)
        self.encoder = LSTM(members, group * embedding_size, units, dtype)
        self.hidden = Dense(members, units, units, dtype, tf.nn.relu)
        self.score = Dense(members, units, 1, dtype)
        self.embed_output = Embedding(members, tokens, embedding_size, dtype)
        self.decoder = LSTM(members, embedding_size, units, dtype)
        self.attended = Dense(members, 2 * units, units, dtype, tf.tanh)
        self.logits = Dense(members, units, encoding.vocabulary, dtype)
        self.train_with(learning_rate, weight_decay=weight_decay, global_clipnorm=5.0)
        # Traced once, however many architectures there are.
        length, spec = encoding.length, tf.TensorSpec
        some = spec([members, None, length], tf.int32)
        batches = (
            spec([None, members, None, length], tf.int32),
            spec([None, members, None], dtype),
            spec([None, 2, 2], tf.int32),
        )
        states = spec([members, None, self.steps, units], dtype)
        self._train = tf.function(self._train_in_graph, batches)
        self._states_and_gradient = tf.function(
            self._states_and_gradient_in_graph, [some]
        )
        self._decode = tf.function(self._decode_in_graph, [states])

    def encode(self, tokens: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
        """The representations of architectures.

        Args:
            tokens: int32 `[members, n, length]`.
            seed: int32 `[2]`, of the dropout; without one, nothing is dropped.

        Returns:
            `[members, n, steps, units]`, each vector of length one.
        """
        embedded = self.embed(tokens) + self.place.table[:, None]
        embedded = self._dropped(embedded, seed)
        size = self.encoding.group * embedded.shape[-1]
        embedded = tf.reshape(embedded, [self.members, -1, self.steps, size])
        return tf.nn.l2_normalize(self.encoder(embedded), -1)

    def predict(self, states: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Predicted scores, in units of their own.

        Args:
            states: From `encode`.
            seed: As for `encode`.

        Returns:
            `[members, n]`.
        """
        return self.score(self._dropped(self.hidden(_mean(states)), seed))[..., 0]

    def _dropped(self, values: tf.Tensor, seed: tf.Tensor | None) -> tf.Tensor:
        if seed is None:
            return values
        return tf.nn.experimental.stateless_dropout(values, self.dropout, seed)

    def log_probabilities(self, states: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
        """Logarithms of the decoder's probabilities of each token.

        Args:
            states: From `encode`.
            tokens: int32 `[members, n, length]`; each place sees the tokens before it.

        Returns:
            `[members, n, length, vocabulary]`; a token that is not allowed has none.
        """
        mean = _mean(states)
        outputs = self.decoder(self.embed_output(self.before(tokens)), (mean, mean))
        return tf.nn.log_softmax(self._read(states, outputs) + self.forbidden)

    def _read(self, states: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        weights = tf.nn.softmax(tf.matmul(outputs, states, transpose_b=True))
        context = tf.matmul(weights, states)
        return self.logits(self.attended(tf.concat([context, outputs], -1)))

    def loss(
        self, tokens: tf.Tensor, targets: tf.Tensor, seeds: tf.Tensor
    ) -> tf.Tensor:
        """The mean of the members' joint losses.

        The predictor's is that of all pairs, of which it is to say the better one.

        Args:
            tokens: int32 `[members, n, length]`.
            targets: `[members, n]`, scores.
            seeds: int32 `[2, 2]`, of the encoder's and the predictor's dropout.
        """
        states = self.encode(tokens, seeds[0])
        predicted = self.predict(states, seeds[1])
        is_better = targets[:, :, None] > targets[:, None]
        ahead = predicted[:, :, None] - predicted[:, None]
        error = tf.nn.softplus(-ahead) * tf.cast(is_better, ahead.dtype)
        logs = self.log_probabilities(states, tokens)
        places = tf.one_hot(tokens, self.encoding.vocabulary, dtype=logs.dtype)
        surprise = -tf.reduce_sum(logs * places, -1)
        weight = self.score_weight
        return weight * tf.reduce_mean(error) + (1 - weight) * tf.reduce_mean(surprise)

    def fit(
        self,
        tokens: np.ndarray,
        targets: np.ndarray,
        steps: int,
        rng: np.random.Generator,
        batch_size: int = 50,
    ) -> None:
        """Trains all parts together; branches are exchanged at random.

        Args:
            tokens: int32 `[n, length]`.
            targets: `[n]`, scores; only their order counts.
            steps: Of the optimizer.
            rng: Source of the order, and of what is dropped.
            batch_size: Architectures of a step.
        """
        count, members = len(tokens), self.members
        turns = -(-steps * batch_size // count)
        every = np.tile(np.arange(count), [members, turns, 1])
        order = rng.permuted(every, axis=2).reshape([members, -1])
        order = order[:, : steps * batch_size].reshape([members, steps, batch_size])
        order = order.swapaxes(0, 1)
        seeds = rng.integers(2**31, size=[steps, 2, 2], dtype=np.int32)
        for first in range(0, steps, _CHUNK):
            chosen = order[first : first + _CHUNK]
            drawn = self.encoding.exchange(tokens[chosen.ravel()], rng)
            self._train(
                tf.constant(drawn.reshape([*chosen.shape, -1])),
                tf.constant(targets[chosen], self.forbidden.dtype),
                tf.constant(seeds[first : first + _CHUNK]),
            )

    def states_and_gradient(self, tokens: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """The representations, and the gradients of the predicted scores there.

        Args:
            tokens: int32 `[n, length]`.

        Returns:
            Two tensors `[members, n, steps, units]`.
        """
        shape = [self.members, *np.shape(tokens)]
        return self._states_and_gradient(tf.broadcast_to(tokens, shape))

    def decode(self, states: Any) -> tf.Tensor:
        """Writes the architectures of representations, the likeliest token each time.

        Args:
            states: `[members, n, steps, units]`, each vector of length one.

        Returns:
            int32 `[members, n, length]`, all of them allowed.
        """
        return self._decode(tf.convert_to_tensor(states))

    def _train_in_graph(
        self, tokens: tf.Tensor, targets: tf.Tensor, seeds: tf.Tensor
    ) -> None:
        for number in tf.range(tf.shape(tokens)[0]):
            with tf.GradientTape() as tape:
                loss = self.loss(tokens[number], targets[number], seeds[number])
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
        memory = (_mean(states),) * 2
        token = tf.fill(tf.shape(states)[:2], self.start)
        written = []
        for forbidden in tf.unstack(self.forbidden):
            embedded = self.embed_output(token[..., None])[:, :, 0]
            memory = self.decoder.step(embedded, memory)
            logits = self._read(states, memory[0][:, :, None])[:, :, 0] + forbidden
            token = tf.argmax(logits, -1, tf.int32)
            written.append(token)
        return tf.stack(written, -1)


def _mean(states: tf.Tensor) -> tf.Tensor:
    return tf.nn.l2_normalize(tf.reduce_mean(states, 2), -1)


def step(states: tf.Tensor, gradient: tf.Tensor, size: float) -> tf.Tensor:
    """Representations of architectures whose predicted scores are better.

    Args:
        states: From `NAONetwork.states_and_gradient`.
        gradient: From the same.
        size: Length of the step, before its end is brought back to length one.

    Returns:
        As `states`: each vector again of length one.
    """
    return tf.nn.l2_normalize(states + size * tf.nn.l2_normalize(gradient, -1), -1)
