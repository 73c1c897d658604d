"""A policy that writes architectures token by token, trained by PPO."""

from __future__ import annotations

import tensorflow as tf

from gtn_tf.search.sequence_network import (
    SequenceNetwork,
    dense,
    embedding,
    log_probability,
    lstm,
)
from gtn_tf.search.sequences import SequenceEncoding

DRAWS = 64  # sequences drawn at once


class LSTMPolicy(SequenceNetwork):
    """An LSTM whose input is the previous token, with a softmax over the next ones.

    The controller of NASNet (Zoph et al. 2018). Tokens of one kind share a head.

    Args:
        encoding: Of the architectures.
        units: Of the LSTM, and size of the tokens' embedding.
        learning_rate: Of Adam.
        entropy: Weight of the policy's entropy, which is raised, too.
        clip: How far PPO trusts a ratio of probabilities from 1.
        temperature: Divides the logits.
        logit_limit: The logits then are between its negative and itself, by a tanh, so
            that the policy never becomes certain; 0: any.
        dtype: Of the weights.
    """

    def __init__(
        self,
        encoding: SequenceEncoding,
        units: int = 100,
        learning_rate: float = 3.5e-4,
        entropy: float = 1e-5,
        clip: float = 0.2,
        temperature: float = 1.0,
        logit_limit: float = 0.0,
        dtype: str = "float32",
    ) -> None:
        super().__init__(encoding, dtype)
        self.entropy = entropy
        self.clip = clip
        self.temperature = temperature
        self.logit_limit = logit_limit
        self.embed = embedding(encoding.vocabulary + 1, units, dtype)
        self.lstm = lstm(units, units, dtype)
        self.heads = dense(units, encoding.vocabulary, dtype)
        self.train_with(learning_rate)

    def log_softmaxes(self, tokens: tf.Tensor) -> tf.Tensor:
        """Logarithms of the probabilities of each token.

        Args:
            tokens: int32 `[n, length]`; each place sees the tokens before it.

        Returns:
            `[n, length, vocabulary]`; a token that is not allowed has none.
        """
        outputs = self.lstm(self.embed(self.before(tokens)))
        return tf.nn.log_softmax(self._logits(outputs) + self.forbidden)

    def _logits(self, outputs: tf.Tensor) -> tf.Tensor:
        logits, limit = self.heads(outputs) / self.temperature, self.logit_limit
        return limit * tf.tanh(logits) if limit else logits

    def objective(
        self, tokens: tf.Tensor, advantages: tf.Tensor, before: tf.Tensor
    ) -> tf.Tensor:
        """PPO's clipped objective, to be raised.

        Args:
            tokens: int32 `[n, length]`.
            advantages: `[n]`, rewards less what was expected.
            before: `[n]`, `log_probabilities` when the training on them began.
        """
        logs = self.log_softmaxes(tokens)
        ratio = tf.exp(tf.reduce_sum(log_probability(logs, tokens), 1) - before)
        trusted = tf.clip_by_value(ratio, 1 - self.clip, 1 + self.clip)
        gain = tf.minimum(ratio * advantages, trusted * advantages)
        entropies = -tf.reduce_sum(tf.exp(logs) * logs, [1, 2])
        return tf.reduce_mean(gain) + self.entropy * tf.reduce_mean(entropies)

    @tf.function(reduce_retracing=True)
    def log_probabilities(self, tokens: tf.Tensor) -> tf.Tensor:
        """Logarithms of the probabilities of sequences.

        Args:
            tokens: int32 `[n, length]`.

        Returns:
            `[n]`.
        """
        tokens = tf.ensure_shape(tokens, [None, self.encoding.length])
        logs = log_probability(self.log_softmaxes(tokens), tokens)
        return tf.reduce_sum(logs, 1)

    @tf.function(reduce_retracing=True)
    def improve(
        self, tokens: tf.Tensor, advantages: tf.Tensor, epochs: tf.Tensor
    ) -> None:
        """Trains on a batch by PPO.

        Args:
            tokens: int32 `[n, length]`.
            advantages: `[n]`.
            epochs: int32 scalar, steps of Adam.
        """
        tokens = tf.ensure_shape(tokens, [None, self.encoding.length])
        before = self.log_probabilities(tokens)
        for _ in tf.range(epochs):
            with tf.GradientTape() as tape:
                loss = -self.objective(tokens, advantages, before)
            self.descend(tape, loss)

    @tf.function
    def sample(self, seeds: tf.Tensor) -> tf.Tensor:
        """Draws sequences.

        Args:
            seeds: int32 `[length, 2]`, of each place.

        Returns:
            int32 `[DRAWS, length]`, all of them allowed.
        """
        state = [tf.zeros([DRAWS, self.heads.kernel.shape[0]], self.heads.dtype)] * 2
        token = tf.fill([DRAWS], self.start)
        drawn = []
        for place, forbidden in enumerate(tf.unstack(self.forbidden)):
            output, state = self.lstm.cell(self.embed(token), state)
            logits = self._logits(output) + forbidden
            token = tf.random.stateless_categorical(logits, 1, seeds[place], tf.int32)
            token = token[:, 0]
            drawn.append(token)
        return tf.stack(drawn, 1)
