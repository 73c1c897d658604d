"""The pool that a training of shared weights draws its architectures from."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from gtn_tf.config import SupernetConfig
from gtn_tf.runs.job import Report
from gtn_tf.runs.random_architectures import ValidationScores
from gtn_tf.search import CellSpace, NAOProposer
from gtn_tf.search.pool import Pools, best_first
from gtn_tf.supernet import SharedScore


class Ranked(NamedTuple):
    """An architecture of the pool, and how good it is with the shared weights."""

    genotype: Any
    score: SharedScore


class ArchitecturePool:
    """Architectures that are trained, renewed by NAO (Luo et al. 2018, NAONet-WS).

    At the beginning of an epoch in which the pool is due, all of it is scored with the
    shared weights of that moment, and NAO's proposals replace the worst. All that a
    resumed run needs to go on is `tokens`.

    Args:
        space: The space.
        config: The configuration.
        scores: Scores architectures on validation images.
        report: Called with a line at each renewal.

    Attributes:
        tokens: int32 `[size, length]`, a variable: the pool, as `Pools` has it.
    """

    def __init__(
        self,
        space: CellSpace[Any],
        config: SupernetConfig,
        scores: ValidationScores,
        report: Report,
    ) -> None:
        self._pools = Pools(space)
        self._space = space
        self._seed = config.seed
        self._settings = config.supernet
        self._every = config.supernet.renew_every * config.training.steps_per_epoch
        self._scores = scores
        self._report = report
        chosen = config.supernet
        # One for all renewals: its networks are traced once.
        self._proposer = NAOProposer(
            chosen.pool_size, chosen.renewed, steps=chosen.predictor_steps
        )
        self._fresh = self._proposer.get_state()
        rng = np.random.default_rng([config.seed, 2**32 - 1])  # apart from all steps'
        first = self._pools.random(chosen.pool_size, rng)
        self.tokens = tf.Variable(first)

    def drawn(self, weights: tf.Variable, start: int = 0) -> Iterator[tf.Tensor]:
        """Draws an architecture of the pool for each step, uniformly.

        The pool is renewed where it is due, before a step's draw.

        Args:
            weights: The shared weights, which change between the steps.
            start: Steps to skip.

        Yields:
            Genotypes as `SuperNetwork.encode` gives them.
        """
        codes = self._codes()
        for step in itertools.count(start):
            if step and step % self._every == 0:
                self._renew(weights, step)
                codes = self._codes()
            rng = np.random.default_rng([self._seed, step])
            yield codes[rng.integers(len(codes))]

    def ranked(self, weights: tf.Variable) -> list[Ranked]:
        """The pool, the best first.

        Args:
            weights: The shared weights.
        """
        genotypes, scores = self._genotypes(), self._scored(weights)
        order = best_first([-one.loss for one in scores])
        return [Ranked(genotypes[place], scores[place]) for place in order]

    def _renew(self, weights: tf.Variable, step: int) -> None:
        chosen, losses = self._settings, [one.loss for one in self._scored(weights)]
        # A resumed run has no earlier renewal to remember.
        self._proposer.set_state(self._fresh)
        seed = int(np.random.default_rng([self._seed, step]).integers(2**31))
        after = self._pools.renewed(
            self.tokens.numpy(),
            [-loss for loss in losses],
            chosen.renewed,
            self._proposer,
            seed,
        )
        best = self._space.text(self._pools.genotypes(after[:1])[0])
        self._report(
            f"pool before step {step + 1}: validation loss {np.min(losses):.3f} to "
            f"{np.max(losses):.3f}, the worst {chosen.renewed} of {chosen.pool_size} "
            f"replaced; best: {best}"
        )
        self.tokens.assign(after)

    def _scored(self, weights: tf.Variable) -> list[SharedScore]:
        return [self._scores(weights, code) for code in self._codes()]

    def _codes(self) -> list[tf.Tensor]:
        network = self._space.supernetwork
        assert network is not None
        return [network.encode(one) for one in self._genotypes()]

    def _genotypes(self) -> list[Any]:
        return self._pools.genotypes(self.tokens.numpy())
