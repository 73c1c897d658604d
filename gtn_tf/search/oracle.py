"""The oracle of the search: candidates first, then the best of them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import keras_tuner
import numpy as np

from gtn_tf.errors import ArgumentError
from gtn_tf.search.errors import SearchError
from gtn_tf.search.failures import common_failure, expect_some_success
from gtn_tf.search.identity import Identity, expect_same, settings_of
from gtn_tf.search.kerastuner import FINISHED, SearchOracle
from gtn_tf.search.phases import (
    SCORED_BY,
    is_scored,
    to_score,
    to_train,
    without_phase,
)
from gtn_tf.search.progress import progress_line, say
from gtn_tf.search.proposers import (
    History,
    Observation,
    Proposer,
    RandomProposer,
)
from gtn_tf.search.ranking import summed_ranks
from gtn_tf.search.results import score_of, write_results

ANEW = "start a new search (overwrite=True, or another directory)"

_PROPOSER = "gtn_proposer"  # key in oracle.json: the proposer's state, if any


class GTNOracle(SearchOracle):
    """Proposes distinct candidates to be scored, then the best to be trained.

    In the first phase each trial is one candidate, which the proposer chooses, and its
    metrics are its scores. In the second phase the `top_k` candidates of the best rank
    are proposed again, in the order of their ranks, for a full training. The oracle
    does no slow work itself: `GTNTuner` scores the trial that it requested, on any
    worker.

    The state is in the trials' files, which are written atomically. A search whose
    chief or workers were killed resumes without scoring a finished candidate again,
    and ends with the same ranking.

    Args:
        objective: As for `keras_tuner.Oracle`; used in the second phase.
        candidates: Architectures that are scored; fewer if the space has fewer.
        top_k: Architectures that are trained.
        seconds: No candidate is proposed once scoring took this long, summed over all
            workers. The search then depends on the machine's speed.
        rank_by: Names of the scores to rank by; the ranks by each are added. `GTNTuner`
            replaces them by those of its scorers.
        describe: Writes a trial's architecture for results.csv, given its
            hyperparameters; by default, `GTNTuner` takes the hypermodel's own method
            `describe`, and without one their values are written as JSON.
        seed: Of the proposals; 0 is a seed like any other.
        proposer: Chooses the next candidate; at random by default.
        report: Called with a line when a trial has ended, unless `search` is silent
            (`verbose=0`).
        **kwargs: As for `keras_tuner.Oracle`.

    Raises:
        ValueError: If a number is out of its range.

    Example:

    >>> GTNOracle("val_accuracy", candidates=20, top_k=3).remaining_trials()
    23
    """

    def __init__(
        self,
        objective: Any = None,
        candidates: int = 100,
        top_k: int = 10,
        seconds: float = math.inf,
        rank_by: Sequence[str] = ("gtn_score",),
        describe: Callable[[keras_tuner.HyperParameters], str] | None = None,
        seed: int = 0,
        proposer: Proposer | None = None,
        report: Callable[[str], None] = say,
        **kwargs: Any,
    ) -> None:
        if not 0 <= top_k <= candidates or candidates < 1:
            raise ArgumentError(
                "expected at least one candidate and top_k from 0 to candidates, "
                f"received candidates={candidates}, top_k={top_k}"
            )
        if not seconds > 0:
            raise ArgumentError(
                f"seconds: expected a number above 0, received {seconds}"
            )
        super().__init__(objective, seed, **kwargs)
        self.candidates = candidates
        self.top_k = top_k
        self.seconds = seconds
        self.rank_by = tuple(rank_by)
        self.describe = describe
        self.proposer = proposer or RandomProposer()
        self.report = report
        self.identity: Identity | None = None  # of a search that has started
        self._proposer_error: Exception | None = None

    def begin(self, identity: Identity) -> None:
        """Records the settings that determine the scores of this search.

        Args:
            identity: From `gtn_tf.search.identity`.

        Raises:
            SearchError: If there are scores of other settings, or candidates of another
                proposer.
        """
        proposer = settings_of(self.proposer)
        identity = {**identity, **{f"proposer.{k}": v for k, v in proposer.items()}}
        if self.identity is not None and self.trials:
            expect_same(self.identity, identity, str(self.folder), ANEW)
        self.identity = identity

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Returns the next trial; see `keras_tuner.Oracle.populate_space`.

        Args:
            trial_id: Of the trial.
        """
        scored = self.scored_trials()
        if common_failure(scored):
            return {"status": "STOPPED"}
        if len(scored) < self.candidates and self.spent() < self.seconds:
            values = self._propose(scored)
            if self._proposer_error is not None:
                return {"status": "STOPPED"}
            if values is not None:
                return {"status": "RUNNING", "values": to_score(values)}
        if any(trial.status not in FINISHED for trial in scored):
            return {"status": "IDLE"}
        trained = {
            trial.hyperparameters.values[SCORED_BY] for trial in self.trained_trials()
        }
        good = [trial for trial in self.ranking() if trial.status == "COMPLETED"]
        for trial in good[: self.top_k]:
            if trial.trial_id not in trained:
                values = self.completed(trial.hyperparameters.values)
                values = to_train(values, trial.trial_id)
                return {"status": "RUNNING", "values": values}
        return {"status": "IDLE" if self.ongoing_trials else "STOPPED"}

    def scored_trials(self) -> list[Any]:
        """Trials of the first phase, in their order."""
        return [t for t in self.in_order() if is_scored(t.hyperparameters)]

    def trained_trials(self) -> list[Any]:
        """Trials of the second phase, in their order."""
        return [t for t in self.in_order() if not is_scored(t.hyperparameters)]

    def ranking(self) -> list[Any]:
        """Finished trials of the first phase, best first, those that failed last."""
        done = [t for t in self.scored_trials() if t.status in FINISHED]
        good = [t for t in done if t.status == "COMPLETED"]
        # A stable sort: the earlier candidate first if ranks are equal.
        best = [good[i] for i in np.argsort(self._summed_ranks(good), kind="stable")]
        return best + [t for t in done if t.status != "COMPLETED"]

    def spent(self) -> float:
        """Seconds of all finished scorings together."""
        good = [t for t in self.scored_trials() if t.status == "COMPLETED"]
        return float(np.nansum([score_of(t, "seconds") for t in good]))

    def expect_results(self) -> None:
        """Checks that a finished search has results.

        Raises:
            SearchError: If the proposer failed, or all candidates, or all trainings.
        """
        if self._proposer_error is not None:
            error, kind = self._proposer_error, type(self.proposer).__name__
            raise SearchError(f"{kind} failed: {error}") from error
        scored, trained = self.scored_trials(), self.trained_trials()
        stopped = bool(common_failure(scored))
        place, remedy = f"{self.folder}/results.csv", f"once it is mended, {ANEW}"
        expect_some_success("candidates", scored, stopped, place, remedy)
        expect_some_success("trainings", trained, False, place, remedy)

    def get_best_trials(self, num_trials: int = 1) -> list[Any]:
        """Fully trained trials, best first.

        Args:
            num_trials: Maximum number.
        """
        good = [t for t in self.trained_trials() if t.status == "COMPLETED"]
        worst_first = self.objective.direction == "max"
        return sorted(good, key=lambda t: t.score, reverse=worst_first)[:num_trials]

    def remaining_trials(self) -> int:
        """Trials left to be created, of both phases."""
        return self.candidates + self.top_k - len(self.trials)

    def score_trial(self, trial: Any) -> None:
        """Sets a trial's score; see `keras_tuner.Oracle.score_trial`.

        Args:
            trial: A completed trial.
        """
        if is_scored(trial.hyperparameters):
            # KerasTuner counts NaN as a failure.
            trial.score = float(np.mean([score_of(trial, n) for n in self.rank_by]))
        else:
            super().score_trial(trial)

    def save(self) -> None:
        """Writes the oracle's state and results.csv, each atomically."""
        super().save()
        write_results(
            self.folder / "results.csv",
            self.ranking(),
            self.scored_trials(),
            self.trained_trials(),
            self.rank_by,
            self.objective.name,
            self.describe or _values_as_json,
        )

    def get_state(self) -> dict[str, Any]:
        """The state that `save` writes; see `keras_tuner.Oracle.get_state`."""
        state = {**super().get_state(), "gtn_identity": self.identity}
        proposers = self.proposer.get_state()
        return state if proposers is None else {**state, _PROPOSER: proposers}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores the state from `get_state`.

        Args:
            state: From `get_state`.
        """
        super().set_state(state)
        self.identity = state.get("gtn_identity")
        if _PROPOSER in state:
            self.proposer.set_state(state[_PROPOSER])

    def on_trial_end(self, trial: Any) -> None:
        """Reports a trial that has ended.

        Args:
            trial: The trial.
        """
        if not self.verbose:
            return
        workers = max(1, len(self.tuner_ids))
        if is_scored(trial.hyperparameters):
            same, left = self.scored_trials(), max(0.0, self.seconds - self.spent())
            kind = "candidate", self.candidates, [*self.rank_by, "seconds"]
        else:
            same, left = self.trained_trials(), math.inf
            kind = "full training", self.top_k, [self.objective.name, "seconds"]
        self.report(progress_line(trial, same, *kind, left, workers))

    def _propose(self, scored: Sequence[Any]) -> dict[str, Any] | None:
        """Calls the proposer; an error is stored and raised at the end of the search.

        KerasTuner never releases the lock of a call that raises.
        """
        try:
            values = self.proposer.propose(self._history(scored))
            if values is not None and self.is_tried(values):
                raise ArgumentError(
                    f"expected values that no candidate has had, received {values}"
                )
        except Exception as error:
            self._proposer_error = error
            return None
        return None if values is None else self.completed(values)

    def _history(self, scored: Sequence[Any]) -> History:
        good = [t for t in scored if t.status == "COMPLETED"]
        if len(self.rank_by) == 1:
            scores = [score_of(trial, self.rank_by[0]) for trial in good]
        else:
            scores = (-self._summed_ranks(good)).tolist()
        score = {trial.trial_id: one for trial, one in zip(good, scores)}
        observations = tuple(
            Observation(t.hyperparameters, t.status, score.get(t.trial_id))
            for t in scored
        )
        space = self.get_space()
        return History(
            observations, space, self.seed, self.random_values, self.is_tried
        )

    def _summed_ranks(self, good: Sequence[Any]) -> np.ndarray:
        return summed_ranks([[score_of(t, n) for t in good] for n in self.rank_by])


def _values_as_json(hp: keras_tuner.HyperParameters) -> str:
    return json.dumps(without_phase(hp.values), sort_keys=True)
