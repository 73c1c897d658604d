"""Bayesian optimization, by KerasTuner."""

from __future__ import annotations

import warnings
from typing import Any

import keras_tuner
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from gtn_tf.errors import ArgumentError
from gtn_tf.search.proposers.base import History, Proposer, Values
from gtn_tf.search.proposers.neighbours import untried_near


class BayesianProposer(Proposer):
    """`keras_tuner.BayesianOptimization`, of the scores.

    A Gaussian process predicts the scores, and the candidate with the best upper
    confidence bound comes next, or a neighbour of it if it was scored before.

    Args:
        num_initial_points: Candidates drawn at random; 0: three for each
            hyperparameter.
        alpha: Expected variance of the scores' noise; they are standardised.
        beta: Weight of the standard deviation in the bound.

    Raises:
        ValueError: If a number is out of its range.
    """

    def __init__(
        self, num_initial_points: int = 0, alpha: float = 1e-4, beta: float = 2.6
    ) -> None:
        if num_initial_points < 0 or alpha <= 0 or beta < 0:
            raise ArgumentError(
                "expected num_initial_points of at least 0, alpha above 0 and beta of "
                f"at least 0, received {num_initial_points}, {alpha} and {beta}"
            )
        self.num_initial_points = num_initial_points
        self.alpha = alpha
        self.beta = beta

    def propose(self, history: History) -> Values | None:
        scored = [one for one in history.observations if one.score is not None]
        initial = self.num_initial_points or 3 * len(history.space.space)
        if len(scored) < max(initial, 2) or not history.space.space:
            return history.draw()
        rng = history.rng()
        values = self._best_bound(history, int(rng.integers(1, 2**31)))
        return (
            untried_near(history, values, rng) if history.is_tried(values) else values
        )

    def _best_bound(self, history: History, seed: int) -> dict[str, Any]:
        oracle = keras_tuner.oracles.BayesianOptimizationOracle(
            keras_tuner.Objective("score", "max"),
            num_initial_points=1,
            alpha=self.alpha,
            beta=self.beta,
            seed=seed,
            hyperparameters=history.space,
        )
        scores = [one.score for one in history.observations if one.score is not None]
        mean, spread = np.mean(scores), np.std(scores) or 1.0
        for number, one in enumerate(history.observations):
            trial = keras_tuner.engine.trial.Trial(
                one.hyperparameters, trial_id=str(number), status=one.status
            )
            oracle.trials[trial.trial_id] = trial
            if one.score is not None:
                trial.score = float((one.score - mean) / spread)
            elif one.is_running:  # KerasTuner expects little of it, for now
                oracle.ongoing_trials[trial.trial_id] = trial
        with warnings.catch_warnings():
            # A kernel's scale may end at the limit of its range.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return oracle.populate_space("next")["values"]
