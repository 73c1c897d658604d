"""A policy over independent choices, trained by Adam."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NOT_MADE = -1  # in place of an option: a choice that an architecture does not have

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8  # Adam's


class Policy:
    """A softmax over the options of each choice, at first uniform.

    Args:
        sizes: The number of options of each choice.
        learning_rate: Adam's.
        entropy: Weight of the policy's entropy, which is raised, too.

    Example:

    >>> policy, rng = Policy([2, 3], learning_rate=0.1), np.random.default_rng(0)
    >>> for _ in range(100):
    ...     options = policy.sample(rng)
    ...     policy.learn(options, advantage=float(options[1] == 2) - 0.5)
    >>> bool(policy.probabilities()[1, 2] > 0.8)
    True
    """

    def __init__(
        self, sizes: Sequence[int], learning_rate: float, entropy: float = 0.0
    ) -> None:
        exists = np.arange(max(sizes)) < np.asarray(sizes)[:, None]
        self.logits = np.where(exists, 0.0, -np.inf)  # [choices, most options]
        self._learning_rate = learning_rate
        self._entropy = entropy
        self._moments = np.zeros([2, *exists.shape])
        self._steps = 0

    def probabilities(self) -> np.ndarray:
        """Of each option of each choice, `[choices, most options]`."""
        shifted = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True)

    def sample(self, rng: np.random.Generator) -> np.ndarray:
        """Draws an option of each choice.

        Args:
            rng: Source of the draw.

        Returns:
            The number of each option, `[choices]`.
        """
        summed = self.probabilities().cumsum(axis=1)
        drawn = rng.random([len(summed), 1]) * summed[:, -1:]
        return (summed <= drawn).sum(axis=1)

    def score_gradient(self, options: np.ndarray) -> np.ndarray:
        """Gradient of the log probability of some options.

        Args:
            options: `[choices]`, some of them `NOT_MADE`.

        Returns:
            With respect to the logits, `[choices, most options]`.
        """
        made = options[:, None] != NOT_MADE
        chosen = np.arange(self.logits.shape[1]) == options[:, None]
        return np.where(made, chosen - self.probabilities(), 0.0)

    def entropy_gradient(self) -> np.ndarray:
        """Gradient of the entropy, with respect to the logits."""
        p = self.probabilities()
        log_p = np.log(np.where(p > 0, p, 1.0))
        entropy = -(p * log_p).sum(axis=1, keepdims=True)
        return -p * (log_p + entropy)

    def learn(self, options: np.ndarray, advantage: float) -> None:
        """Makes options more or less probable, by one step of Adam.

        Args:
            options: `[choices]`, some of them `NOT_MADE`.
            advantage: Their reward, less what was expected.
        """
        gradient = advantage * self.score_gradient(options)
        if self._entropy:
            gradient = gradient + self._entropy * self.entropy_gradient()
        self._steps += 1
        first, second = self._moments
        first += (1 - _BETA_1) * (gradient - first)
        second += (1 - _BETA_2) * (gradient**2 - second)
        rate = self._learning_rate / (1 - _BETA_1**self._steps)
        root = np.sqrt(second / (1 - _BETA_2**self._steps))
        self.logits = self.logits + rate * first / (root + _EPSILON)
