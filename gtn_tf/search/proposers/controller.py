"""A recurrent controller, trained by reinforcement (Zoph et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.search.lstm_policy import LSTMPolicy
from gtn_tf.search.proposers.base import History, Observation, Proposer, Values
from gtn_tf.search.proposers.neighbours import untried_near
from gtn_tf.search.sequences import SequenceEncoding

_LARGEST = 2.0  # advantage, in standard deviations of the scores

_Batch = tuple[tuple[tuple[int, ...], ...], tuple[float, ...]]  # sequences, scores


class ControllerProposer(Proposer):
    """Draws candidates from an LSTM, which learns from their scores by PPO.

    The LSTM chooses one hyperparameter after the other and sees the previous choice.
    It is trained on each batch of candidates, once these are scored. A candidate that
    failed counts as the worst before it.

    For spaces of choices that do not depend on each other, as the cell spaces are.

    Args:
        batch_size: Candidates of a batch.
        epochs: Steps of Adam on a batch.
        learning_rate: Of Adam.
        baseline: Decay of the moving average of the scores, which is subtracted.
        entropy: Weight of the policy's entropy; scores are divided by their standard
            deviation so far.
        units: Of the LSTM.

    Raises:
        ValueError: If a number is out of its range.
    """

    def __init__(
        self,
        batch_size: int = 20,
        epochs: int = 10,
        learning_rate: float = 3.5e-3,
        baseline: float = 0.95,
        entropy: float = 1e-5,
        units: int = 100,
    ) -> None:
        if min(batch_size, epochs, units) < 1:
            raise ArgumentError(
                "expected batch_size, epochs and units of at least 1, received "
                f"{batch_size}, {epochs} and {units}"
            )
        if learning_rate <= 0 or not 0 <= baseline < 1 or entropy < 0:
            raise ArgumentError(
                "expected learning_rate above 0, baseline in [0, 1) and entropy of at "
                f"least 0, received {learning_rate}, {baseline} and {entropy}"
            )
        self.batch_size = batch_size
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.baseline = baseline
        self.entropy = entropy
        self.units = units
        # A cache, which the history determines: the policy, and what it has learned.
        self._policy: LSTMPolicy | None = None
        self._learned: list[_Batch] = []

    def propose(self, history: History) -> Values | None:
        encoding = SequenceEncoding(history.space)
        policy, rng = self._trained(history, encoding), history.rng()
        seeds = rng.integers(2**31, size=[encoding.length, 2], dtype=np.int32)
        drawn = [encoding.values(one) for one in policy.sample(seeds).numpy()]
        for values in drawn:
            if not history.is_tried(values):
                return values
        return untried_near(history, drawn[-1], rng)

    def _trained(self, history: History, encoding: SequenceEncoding) -> LSTMPolicy:
        batches = self._batches(history.observations, encoding)
        policy, learned = self._policy, self._learned
        if policy is None or policy.encoding != encoding:
            policy, learned = self._new_policy(encoding), []
        if not learned or learned != batches[: len(learned)]:
            policy.reset(history.rng(0))
            learned = []
        for number in range(len(learned), len(batches)):
            tokens = np.array(batches[number][0], np.int32)
            advantages = self._advantages(batches[: number + 1])
            policy.improve(tokens, advantages, tf.constant(self.epochs))
        self._policy, self._learned = policy, batches
        return policy

    def _new_policy(self, encoding: SequenceEncoding) -> LSTMPolicy:
        return LSTMPolicy(encoding, self.units, self.learning_rate, self.entropy)

    def _batches(
        self, observations: Sequence[Observation], encoding: SequenceEncoding
    ) -> list[_Batch]:
        """All whole batches of scored candidates, in the order of proposals."""
        running = [n for n, one in enumerate(observations) if one.is_running]
        scored = observations[: min(running, default=len(observations))]
        known = [one.score for one in scored if one.score is not None]
        worst = known[0] if known else 0.0
        sequences, scores = [], []
        for one in scored:
            score = worst if one.score is None else one.score
            worst = min(worst, score)
            sequences.append(tuple(encoding.tokens(one.values).tolist()))
            scores.append(score)
        size = self.batch_size
        return [
            (
                tuple(sequences[first : first + size]),
                tuple(scores[first : first + size]),
            )
            for first in range(0, len(scored) - size + 1, size)
        ]

    def _advantages(self, batches: Sequence[_Batch]) -> np.ndarray:
        """Of the candidates of the last batch."""
        scores = np.array([score for _, batch in batches for score in batch])
        age = np.arange(len(scores))[::-1]
        expected = np.average(scores, weights=self.baseline**age)
        spread = np.std(scores) or 1.0
        latest = (scores[-self.batch_size :] - expected) / spread
        return np.clip(latest, -_LARGEST, _LARGEST).astype(np.float32)
