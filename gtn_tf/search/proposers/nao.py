"""Neural architecture optimization (Luo et al. 2018)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.search.nao_network import NAONetwork, step
from gtn_tf.search.proposers.base import History, Observation, Proposer, Values
from gtn_tf.search.proposers.neighbours import TRIES, mutated, untried_near
from gtn_tf.search.sequences import SequenceEncoding

_STEP_SIZES = range(1, 51)  # of the gradient
_WORST = 5.0  # percentile: lower scores, such as of failed candidates, count as this
_RANGE = 0.05, 0.95  # of the targets: a sigmoid never reaches 0 or 1


class NAOProposer(Proposer):
    """Moves the best candidates along the gradient of their predicted score.

    In rounds: an encoder, a predictor and a decoder are trained on all candidates so
    far; the encodings of the best go different ways along the gradient of the
    prediction, and are decoded. The decoded architectures whose prediction is best are
    the candidates of the round (the paper takes the first); if they are too few,
    mutations of the best fill it. A round begins when all candidates before it are
    scored, and its training takes seconds to minutes, for which all workers wait.

    For spaces of choices that do not depend on each other, as the cell spaces are.

    Args:
        seeds: Candidates drawn at random before the first round.
        round_size: Candidates of a round.
        parents: How many of the best are moved.
        epochs: Of a round's training.

    Raises:
        ValueError: If a number is below 1.
    """

    def __init__(
        self,
        seeds: int = 50,
        round_size: int = 25,
        parents: int = 100,
        epochs: int = 300,
    ) -> None:
        if min(seeds, round_size, parents, epochs) < 1:
            raise ArgumentError(
                "expected seeds, round_size, parents and epochs of at least 1, "
                f"received {seeds}, {round_size}, {parents} and {epochs}"
            )
        self.seeds = seeds
        self.round_size = round_size
        self.parents = parents
        self.epochs = epochs
        self._round: tuple[int, list[dict[str, Any]]] = 0, []  # its start, candidates
        self._network: NAONetwork | None = None  # a cache: each round trains it anew

    def propose(self, history: History) -> Values | None:
        encoding = SequenceEncoding(history.space)
        later = len(history.observations) - self.seeds
        if later < 0:
            return history.draw()
        start = self.seeds + later // self.round_size * self.round_size
        known = history.observations[:start]
        if any(one.is_running for one in known):
            return None
        if all(one.score is None for one in known):
            return history.draw()
        if self._round[0] != start:
            self._round = start, self._candidates(history, known, encoding)
        planned = (one for one in self._round[1] if not history.is_tried(one))
        best = max(known, key=_score)
        return next(planned, None) or untried_near(history, best.values, history.rng())

    def get_state(self) -> Any:
        # The scores of a round's start may change later, if ranks are added.
        return list(self._round)

    def set_state(self, state: Any) -> None:
        start, candidates = state
        self._round = start, candidates

    def _candidates(
        self,
        history: History,
        known: Sequence[Observation],
        encoding: SequenceEncoding,
    ) -> list[dict[str, Any]]:
        """Those of a round, at most `round_size`."""
        rng = history.rng(len(known))
        tokens = np.stack([encoding.tokens(one.values) for one in known])
        network = self._trained(encoding, tokens, _targets(known), rng)
        best = sorted(range(len(known)), key=lambda n: -_score(known[n]))
        best = best[: self.parents]
        seen = {encoding.canonical(one) for one in tokens}
        found = _decoded(network, tokens[best], seen)[: self.round_size]
        seen.update(map(encoding.canonical, found))
        for turn in range(TRIES):
            if len(found) == self.round_size:
                break
            parent = known[best[turn % len(best)]].values
            child = encoding.tokens(mutated(history.space, parent, rng))
            if encoding.canonical(child) not in seen:
                seen.add(encoding.canonical(child))
                found.append(child)
        return [encoding.values(one) for one in found]

    def _trained(
        self,
        encoding: SequenceEncoding,
        tokens: np.ndarray,
        targets: np.ndarray,
        rng: np.random.Generator,
    ) -> NAONetwork:
        if self._network is None or self._network.encoding != encoding:
            self._network = NAONetwork(encoding)
        self._network.reset(rng)
        self._network.fit(tokens, targets, self.epochs, rng)
        return self._network


def _decoded(
    network: NAONetwork, tokens: np.ndarray, seen: Collection[tuple[int, ...]]
) -> list[np.ndarray]:
    """What steps from some architectures lead to, the best by its prediction first."""
    states, gradient = network.states_and_gradient(tokens)
    moved = [step(states, gradient, float(size)) for size in _STEP_SIZES]
    found: dict[tuple[int, ...], np.ndarray] = {}
    for one in network.decode(tf.concat(moved, 0)).numpy():
        found.setdefault(network.encoding.canonical(one), one)
    new = [one for same, one in found.items() if same not in seen]
    if not new:
        return []
    states, _ = network.states_and_gradient(np.stack(new))
    order = np.argsort(-network.predict(states).numpy(), kind="stable")
    return [new[place] for place in order]


def _score(one: Observation) -> float:
    return -np.inf if one.score is None else one.score


def _targets(known: Sequence[Observation]) -> np.ndarray:
    """The scores, those of failures and outliers raised, in a sigmoid's range."""
    scores = np.array([_score(one) for one in known])
    lowest = np.percentile(scores[np.isfinite(scores)], _WORST)
    clipped = np.maximum(scores, lowest)
    spread = clipped.max() - lowest
    share = (clipped - lowest) / spread if spread > 0 else np.full(len(known), 0.5)
    return _RANGE[0] + (_RANGE[1] - _RANGE[0]) * share
