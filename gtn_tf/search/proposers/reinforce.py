"""REINFORCE with a tabular policy."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from gtn_tf.errors import ArgumentError
from gtn_tf.search.choices import is_active, options
from gtn_tf.search.proposers.base import History, Observation, Proposer, Values
from gtn_tf.search.proposers.neighbours import untried_near
from gtn_tf.search.proposers.policy import NOT_MADE, Policy

_DRAWS = 20  # of candidates known before, after which a neighbour of the last is taken


class ReinforceProposer(Proposer):
    """Learns the probability of each value by REINFORCE (Williams 1992).

    Each hyperparameter has a softmax over its values (over ten of them if it is
    continuous), independent of the others. A candidate that was scored before and is
    drawn again is learned from at once, and another one is drawn; after twenty of them,
    a new neighbour of the last comes next. A candidate that failed counts as the worst
    before it.

    Args:
        learning_rate: Adam's.
        baseline: Decay of the moving average of the scores, which is subtracted.
        entropy: Weight of the policy's entropy, which keeps it from settling early;
            scores are divided by their standard deviation so far.

    Raises:
        ValueError: If a number is out of its range.
    """

    def __init__(
        self, learning_rate: float = 0.1, baseline: float = 0.9, entropy: float = 0.0
    ) -> None:
        if learning_rate <= 0 or not 0 <= baseline < 1 or entropy < 0:
            raise ArgumentError(
                "expected learning_rate above 0, baseline in [0, 1) and entropy of at "
                f"least 0, received {learning_rate}, {baseline} and {entropy}"
            )
        self.learning_rate = learning_rate
        self.baseline = baseline
        self.entropy = entropy
        self._learner: _Learner | None = None  # a cache: the history determines it

    def propose(self, history: History) -> Values | None:
        if not history.space.space:
            return history.draw()
        learner, rng = self._learned(history).copy(), history.rng()
        for _ in range(_DRAWS):
            values = learner.draw(rng)
            if not history.is_tried(values):
                return values
            learner.learn_again(values)
        return untried_near(history, values, rng)

    def _learned(self, history: History) -> _Learner:
        """Learns all candidates, from the first one on if an earlier one changed."""
        learner = self._learner
        if learner is None or not learner.is_part_of(history):
            settings = self.learning_rate, self.baseline, self.entropy
            learner = self._learner = _Learner(history.space.space, *settings)
        for number in range(learner.learned, len(history.observations)):
            learner.learn_next(history.observations[number], history.rng(number))
        return learner


class _Learner:
    """A policy and the candidates that it has learned from."""

    def __init__(
        self,
        space: Sequence[Any],
        learning_rate: float,
        baseline: float,
        entropy: float,
    ) -> None:
        self._space = space
        self._options = [options(one) for one in space]
        sizes = [len(each) for each in self._options]
        self._policy = Policy(sizes, learning_rate, entropy)
        self._decay = baseline
        self._average, self._steps, self._spread = 0.0, 0, 1.0  # of the scores
        self._scores: dict[Hashable, float] = {}
        self._facts: list[tuple[Hashable, str, float | None]] = []
        self._tried: set[Hashable] = set()

    @property
    def learned(self) -> int:
        """How many candidates it has learned from."""
        return len(self._facts)

    def copy(self) -> _Learner:
        """A learner that may draw and learn candidates again."""
        copied = copy.copy(self)
        copied._policy = copy.deepcopy(self._policy)
        return copied

    def is_part_of(self, history: History) -> bool:
        """Whether a history begins with what was learned."""
        known = [_facts(one) for one in history.observations[: self.learned]]
        space = [(one.name, options(one)) for one in history.space.space]
        mine = [(one.name, among) for one, among in zip(self._space, self._options)]
        return (known, space) == (self._facts, mine)

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """Draws values from the policy."""
        values: dict[str, Any] = {}
        drawn = self._policy.sample(rng)
        for one, among, place in zip(self._space, self._options, drawn):
            if is_active(one, values):
                values[one.name] = among[place]
        return values

    def learn_again(self, values: Values) -> None:
        """Learns from a candidate that is drawn again, if it was scored."""
        score = self._scores.get(_key(values))
        if score is not None:
            self._learn(values, score)

    def learn_next(self, one: Observation, rng: np.random.Generator) -> None:
        """Learns from a candidate, and from those that were drawn again before it.

        Args:
            one: The candidate.
            rng: Its proposal's.
        """
        for _ in range(_DRAWS):
            values = self.draw(rng)
            if _key(values) not in self._tried:
                break
            self.learn_again(values)
        facts = key, status, score = _facts(one)
        self._facts.append(facts)
        self._tried.add(key)
        if status == "FAILED":
            score = min(self._scores.values(), default=None)
        if score is not None:
            self._scores[key] = score
            self._spread = float(np.std([*self._scores.values()])) or 1.0
            self._learn(one.values, score)

    def _learn(self, values: Values, score: float) -> None:
        made = [
            among.index(values[one.name])
            if is_active(one, values) and values.get(one.name) in among
            else NOT_MADE
            for one, among in zip(self._space, self._options)
        ]
        self._steps += 1
        self._average += (1 - self._decay) * (score - self._average)
        expected = self._average / (1 - self._decay**self._steps)
        self._policy.learn(np.array(made), (score - expected) / self._spread)


def _facts(one: Observation) -> tuple[Hashable, str, float | None]:
    return _key(one.values), one.status, one.score


def _key(values: Values) -> Hashable:
    return tuple(sorted(values.items()))
