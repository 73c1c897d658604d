"""Neural architecture optimization (Luo et al. 2018)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.search.nao_network import NAONetwork, step
from gtn_tf.search.proposers.base import History, Observation, Proposer, Values
from gtn_tf.search.proposers.neighbours import neighbours, untried_near
from gtn_tf.search.sequences import SequenceEncoding

_STEP_SIZES = np.geomspace(0.2, 1, 8).tolist()  # representations have length one


class NAOProposer(Proposer):
    """Moves the best candidates along the gradient of their predicted score.

    In rounds: several encoders, predictors and decoders are trained on all candidates
    so far. Each one's encodings of the best go different ways along the gradient of its
    prediction, and are decoded. The decoded architectures whose mean prediction is best
    are the candidates of the round (the paper takes the first, of one network); if they
    are too few, mutations of the best fill it. A round begins when all candidates
    before it are scored, and its training takes seconds to minutes, for which all
    workers wait.

    For spaces of choices that do not depend on each other, as the cell spaces are.

    Args:
        seeds: Candidates drawn at random before the first round.
        round_size: Candidates of a round.
        parents: How many of the best are moved.
        steps: Of a round's training, however many candidates there are.

    Raises:
        ValueError: If a number is below 1.
    """

    def __init__(
        self,
        seeds: int = 50,
        round_size: int = 25,
        parents: int = 10,
        steps: int = 200,
    ) -> None:
        if min(seeds, round_size, parents, steps) < 1:
            raise ArgumentError(
                "expected seeds, round_size, parents and steps of at least 1, "
                f"received {seeds}, {round_size}, {parents} and {steps}"
            )
        self.seeds = seeds
        self.round_size = round_size
        self.parents = parents
        self.steps = steps
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
        """Those of a round, at most `round_size`, the best prediction first."""
        rng = history.rng(len(known))
        tokens = np.stack([encoding.tokens(one.values) for one in known])
        network = self._trained(encoding, tokens, _ranks(known), rng)
        best = sorted(range(len(known)), key=lambda n: -_score(known[n]))
        best = best[: self.parents]
        found = _decoded(network, tokens[best])
        for place in best:
            near = neighbours(history.space, known[place].values)
            found += [encoding.tokens(one) for one in near]
        seen = {encoding.canonical(one) for one in tokens}
        ordered = _ordered(network, found, seen)[: self.round_size]
        return [encoding.values(one) for one in ordered]

    def _trained(
        self,
        encoding: SequenceEncoding,
        tokens: np.ndarray,
        ranks: np.ndarray,
        rng: np.random.Generator,
    ) -> NAONetwork:
        if self._network is None or self._network.encoding != encoding:
            self._network = NAONetwork(encoding)
        self._network.reset(rng)
        self._network.fit(tokens, ranks, self.steps, rng)
        return self._network


def _decoded(network: NAONetwork, tokens: np.ndarray) -> list[np.ndarray]:
    """What each member's steps from some architectures lead to."""
    states, gradient = network.states_and_gradient(tokens)
    moved = [step(states, gradient, size) for size in _STEP_SIZES]
    decoded = network.decode(tf.concat(moved, 1)).numpy()
    return [*decoded.reshape([-1, decoded.shape[-1]])]


def _ordered(
    network: NAONetwork,
    found: Sequence[np.ndarray],
    seen: Collection[tuple[int, ...]],
) -> list[np.ndarray]:
    """Those that are new, once each, the best by the mean prediction first."""
    different = {network.encoding.canonical(one): one for one in reversed(found)}
    new = [one for same, one in different.items() if same not in seen]
    if not new:
        return []
    states, _ = network.states_and_gradient(np.stack(new))
    predicted = network.predict(states).numpy().mean(0)
    return [new[place] for place in np.argsort(-predicted, kind="stable")]


def _score(one: Observation) -> float:
    return -np.inf if one.score is None else one.score


def _ranks(known: Sequence[Observation]) -> np.ndarray:
    """0 for the worst; equal scores have equal ranks, and failures the lowest."""
    scores = [_score(one) for one in known]
    return np.unique(scores, return_inverse=True)[1]
