"""The controller: it draws architectures, and learns which are good by REINFORCE."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gtn_tf.search.lstm_policy import DRAWS, LSTMPolicy
from gtn_tf.search.sequences import SequenceEncoding


class Reinforce(NamedTuple):
    """Settings of the controller.

    Args:
        learning_rate: Of Adam.
        entropy: Weight of the policy's entropy, which is raised, too.
        baseline: Decay of the moving average of the rewards, which is subtracted.
        temperature: Divides the logits.
        logit_limit: The logits then are between its negative and itself, by a tanh; 0:
            any.
        units: Of the LSTM.
    """

    learning_rate: float = 3.5e-3
    entropy: float = 1e-4
    baseline: float = 0.99
    temperature: float = 5.0
    logit_limit: float = 2.5
    units: int = 100


class Controller(tf.Module):
    """An LSTM that draws architectures choice by choice, trained by REINFORCE.

    Args:
        encoding: Of the architectures, as sequences of tokens.
        settings: Of the training.
        seed: Of the first weights.

    Example:

    >>> import keras_tuner
    >>> hp = keras_tuner.HyperParameters()
    >>> _ = [hp.Boolean(f"bit_{n}") for n in range(3)]
    >>> controller = Controller(SequenceEncoding(hp), Reinforce(units=4))
    >>> drawn = controller.draw(5, np.random.default_rng(0))
    >>> controller.learn(drawn, rewards=drawn.sum(1))
    >>> drawn.shape, controller.probabilities(drawn).shape
    ((5, 3), (3, 2))
    >>> bool(controller.entropy(drawn) < np.log(2))
    True
    """

    def __init__(
        self, encoding: SequenceEncoding, settings: Reinforce, seed: int = 0
    ) -> None:
        super().__init__()
        self.policy = LSTMPolicy(
            encoding,
            settings.units,
            settings.learning_rate,
            settings.entropy,
            temperature=settings.temperature,
            logit_limit=settings.logit_limit,
        )
        self.policy.reset(np.random.default_rng([seed, 0]))
        self._decay = settings.baseline
        # Of the rewards, and of as many ones: the quotient is not drawn to the start.
        self._average = tf.Variable(np.zeros(2))

    @property
    def baseline(self) -> float:
        """The moving average of the rewards, 0 before the first."""
        rewards, ones = tf.unstack(self._average)
        return float(tf.math.divide_no_nan(rewards, ones))

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draws architectures.

        Args:
            count: How many.
            rng: Source of the draws.

        Returns:
            Tokens, int32 `[count, length]`.
        """
        drawn = []
        for _ in range(0, count, DRAWS):
            size = [self.policy.encoding.length, 2]
            seeds = rng.integers(2**31, size=size, dtype=np.int32)
            drawn.append(self.policy.sample(seeds).numpy())
        return np.concatenate(drawn)[:count]

    def learn(self, tokens: np.ndarray, rewards: np.ndarray) -> None:
        """Makes what was better than expected more probable, by a step of Adam.

        Args:
            tokens: int32 `[n, length]`, drawn by the controller as it is.
            rewards: `[n]`.
        """
        average = self._average.numpy()
        for reward in rewards:
            now = np.array([reward, 1.0])
            average = self._decay * average + (1 - self._decay) * now
        self._average.assign(average)
        advantages = (rewards - self.baseline).astype(np.float32)
        # In its first step, PPO's gradient is REINFORCE's.
        self.policy.improve(tokens, advantages, tf.constant(1))

    def probabilities(self, tokens: np.ndarray) -> np.ndarray:
        """How probable each token is in each place, on average.

        Args:
            tokens: int32 `[n, length]`, drawn by the controller, over which the
                probabilities are averaged: each is conditional on the tokens before it.

        Returns:
            `[length, vocabulary]`.
        """
        return tf.exp(self.policy.log_softmaxes(tokens)).numpy().mean(0)

    def entropy(self, tokens: np.ndarray) -> float:
        """The mean entropy of a choice, in nats, given the choices before it.

        Args:
            tokens: As for `probabilities`.
        """
        logs = self.policy.log_softmaxes(tokens)
        return float(-tf.reduce_mean(tf.reduce_sum(tf.exp(logs) * logs, 2)))
