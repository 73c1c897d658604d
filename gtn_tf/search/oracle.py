"""The oracle of the search: candidates first, then the best of them."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np

from gtn_tf.atomic_file import write
from gtn_tf.errors import ArgumentError
from gtn_tf.search.errors import SearchError
from gtn_tf.search.identity import Identity, refuse_another
from gtn_tf.search.ranking import summed_ranks
from gtn_tf.search.results import last_line, score_of, write_results
from gtn_tf.search.stages import (
    SCORE,
    SCORED_BY,
    STAGE,
    TRAIN,
    is_scored,
    without_stage,
)

FAILURE = "failure.txt"  # in a trial's folder: why it failed

ANEW = "start a new search (overwrite=True, or another directory)"

_DONE = ("COMPLETED", "FAILED")
_ALIKE = 3  # candidates that fail in the same way, after which a search stops


class GTNOracle(keras_tuner.Oracle):
    """Proposes distinct candidates to be scored, then the best to be trained.

    In the first phase each trial is one candidate, drawn at random, and its metrics
    are its scores. In the second phase the `top_k` candidates of the best rank are
    proposed again, in the order of their ranks, for a full training. The oracle does
    nothing slow itself: whoever asks for a trial, `GTNTuner` on any worker, scores it.

    Everything is kept in the trials' own files, which are written wholly or not at
    all. A search whose chief or workers were killed goes on without scoring a
    finished candidate again, to the ranking that it would have had.

    Args:
        objective: As for `keras_tuner.Oracle`; it counts in the second phase.
        candidates: Architectures that are scored; fewer if the space has fewer.
        top_k: Architectures that are trained.
        seconds: No further candidate is drawn once the scorings took so long, added
            up over all workers. The search then depends on the machine's speed.
        rank_by: Names of the scores that make the rank. The ranks by each are added.
        describe: Writes a trial's architecture for results.csv, given its
            hyperparameters; by default, their values as JSON.
        seed: Of the draw of the candidates; 0 means 0.
        **kwargs: As for `keras_tuner.Oracle`.

    Raises:
        ValueError: If a number is out of its range.

    Example:

    >>> GTNOracle("val_accuracy", candidates=20, top_k=3).remaining_trials()
    23
    """

    # KerasTuner's, which has no types.
    end_order: list[str]
    _id_to_hash: Any
    _retry_queue: list[str]
    _tried_so_far: set[str]

    def __init__(
        self,
        objective: Any = None,
        candidates: int = 100,
        top_k: int = 10,
        seconds: float = math.inf,
        rank_by: Sequence[str] = ("gtn_score",),
        describe: Callable[[keras_tuner.HyperParameters], str] | None = None,
        seed: int = 0,
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
        # Candidates that fail never stop the search.
        kwargs.setdefault("max_consecutive_failed_trials", math.inf)
        super().__init__(objective, seed=seed, **kwargs)
        self.seed = self._seed_state = seed  # KerasTuner takes 0 for no seed
        self.candidates = candidates
        self.top_k = top_k
        self.seconds = seconds
        self.rank_by = tuple(rank_by)
        self.identity: Identity | None = None  # of a search that has begun
        self.describe = describe or _values_as_json

    def begin(self, identity: Identity) -> None:
        """Takes note of what makes the scores of this search.

        Args:
            identity: As `gtn_tf.search.identity` writes it down.

        Raises:
            SearchError: If there are scores already that were made by something else.
        """
        if self.identity is not None and self.trials:
            refuse_another(self.identity, identity, self._project_dir, ANEW)
        self.identity = identity

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Gives the next trial; see `keras_tuner.Oracle.populate_space`.

        Args:
            trial_id: Of the trial.
        """
        scored = self.scored_trials()
        if self.common_failure():
            return {"status": "STOPPED"}
        if len(scored) < self.candidates and self.spent() < self.seconds:
            values = self._random_values()
            if values is not None:  # else the space has no more
                return {"status": "RUNNING", "values": {**values, STAGE: SCORE}}
        if any(trial.status not in _DONE for trial in scored):
            return {"status": "IDLE"}
        trained = {
            trial.hyperparameters.values[SCORED_BY] for trial in self.trained_trials()
        }
        good = [trial for trial in self.ranking() if trial.status == "COMPLETED"]
        for trial in good[: self.top_k]:
            if trial.trial_id not in trained:
                values = without_stage(trial.hyperparameters.values)
                stage = {STAGE: TRAIN, SCORED_BY: trial.trial_id}
                return {"status": "RUNNING", "values": {**values, **stage}}
        return {"status": "IDLE" if self.ongoing_trials else "STOPPED"}

    def scored_trials(self) -> list[Any]:
        """Trials of the first phase, in their order."""
        return [t for t in self._in_order() if is_scored(t.hyperparameters)]

    def common_failure(self) -> str:
        """Why the first candidates failed, if all of them did, and alike; else ""."""
        first = self.scored_trials()[:_ALIKE]
        if len(first) < _ALIKE or any(t.status != "FAILED" for t in first):
            return ""
        # Names of layers and shapes differ from candidate to candidate.
        reasons = {re.sub(r"\d+", "", last_line(t.message)) for t in first}
        return last_line(first[0].message) if len(reasons) == 1 else ""

    def expect_results(self) -> None:
        """Tells if nothing came out of a search that is over.

        Raises:
            SearchError: If all candidates failed, or all full trainings.
        """
        phases = {
            "candidates": self.scored_trials(),
            "trainings": self.trained_trials(),
        }
        for name, trials in phases.items():
            if trials and all(trial.status == "FAILED" for trial in trials):
                number = f"the first {len(trials)}" if self.common_failure() else "all"
                raise SearchError(
                    f"{number} {name} failed: {last_line(trials[0].message)}. "
                    f"{self._project_dir}/results.csv has every reason; once it is "
                    f"mended, {ANEW}"
                )

    def spent(self) -> float:
        """Seconds that the finished scorings took, added up."""
        good = [t for t in self.scored_trials() if t.status == "COMPLETED"]
        return float(np.nansum([score_of(t, "seconds") for t in good]))

    def trained_trials(self) -> list[Any]:
        """Trials of the second phase, in their order."""
        return [t for t in self._in_order() if not is_scored(t.hyperparameters)]

    def ranking(self) -> list[Any]:
        """Finished trials of the first phase, best first, those that failed last."""
        done = [t for t in self.scored_trials() if t.status in _DONE]
        good = [t for t in done if t.status == "COMPLETED"]
        scores = [[score_of(t, name) for t in good] for name in self.rank_by]
        sums = summed_ranks(scores)
        # A stable sort: of equal ranks, the earlier candidate is first.
        best = [good[i] for i in np.argsort(sums, kind="stable")]
        return best + [t for t in done if t.status != "COMPLETED"]

    def get_best_trials(self, num_trials: int = 1) -> list[Any]:
        """Fully trained trials, best first.

        Args:
            num_trials: Their number at most.
        """
        good = [t for t in self.trained_trials() if t.status == "COMPLETED"]
        worst_first = self.objective.direction == "max"
        return sorted(good, key=lambda t: t.score, reverse=worst_first)[:num_trials]

    def remaining_trials(self) -> int:
        """Trials left to be created, of both phases."""
        return self.candidates + self.top_k - len(self.trials)

    def score_trial(self, trial: Any) -> None:
        """Gives a trial its score; see `keras_tuner.Oracle.score_trial`.

        Args:
            trial: A completed trial.
        """
        if is_scored(trial.hyperparameters):
            # NaN makes KerasTuner count it as failed.
            trial.score = float(np.mean([score_of(trial, n) for n in self.rank_by]))
        else:
            super().score_trial(trial)

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> Any:
        """Gives a worker its next trial; see `keras_tuner.Oracle.create_trial`.

        Args:
            tuner_id: Of the worker.
        """
        # Another worker may have finished what waits for being run again.
        waiting = [i for i in self._retry_queue if self.trials[i].status not in _DONE]
        self._retry_queue = sorted(waiting, key=int, reverse=True)
        with self._quiet():
            trial = super().create_trial(tuner_id)
        if trial.status == "RUNNING" and trial.metrics.metrics:
            # What a killed worker reported, without ending the trial, comes again.
            trial.metrics = type(trial.metrics)()
        return trial

    @keras_tuner.synchronized
    def update_trial(self, trial_id: str, metrics: Any, step: int = 0) -> Any:
        """Takes a trial's results; see `keras_tuner.Oracle.update_trial`.

        Args:
            trial_id: Of the trial.
            metrics: Its results.
            step: Of the results.
        """
        trial = self.trials[trial_id]
        if trial_id in self.end_order:  # two workers had it; the first counts
            return trial
        if not is_scored(trial.hyperparameters):
            return super().update_trial(trial_id, metrics, step)
        for name, value in metrics.items():
            if not math.isnan(value):  # the objective's, unknown in this phase
                trial.metrics.register(name, "max")
                trial.metrics.update(name, value, step=step)
        self._save_trial(trial)
        return trial

    @keras_tuner.synchronized
    def end_trial(self, trial: Any) -> None:
        """Ends a trial; see `keras_tuner.Oracle.end_trial`.

        Args:
            trial: With its status.
        """
        stored = self.trials[trial.trial_id]
        if trial.trial_id in self.end_order:
            self._forget_ongoing(trial.trial_id)
            return
        reason = Path(self._get_trial_dir(trial.trial_id)) / FAILURE
        if not trial.message and reason.exists():  # a worker's does not come along
            trial.message = reason.read_text(encoding="utf-8-sig")
        with self._quiet():
            super().end_trial(trial)
        self.save()  # once more, since now the trial is no longer ongoing
        self._report(stored)

    def save(self) -> None:
        """Writes the oracle's state and results.csv, each wholly or not at all."""
        write(Path(self._get_oracle_fname()), json.dumps(self.get_state()))
        write_results(
            Path(self._project_dir) / "results.csv",
            self.ranking(),
            self.scored_trials(),
            self.trained_trials(),
            self.rank_by,
            self.objective.name,
            self.describe,
        )

    def get_state(self) -> dict[str, Any]:
        """What `save` keeps; see `keras_tuner.Oracle.get_state`."""
        return {**super().get_state(), "gtn_identity": self.identity}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes back what `get_state` gave.

        Args:
            state: Of this oracle.
        """
        super().set_state(state)
        self.identity = state.get("gtn_identity")

    def reload(self) -> None:
        """Reads the state back, and mends what a kill has left between two files."""
        super().reload()
        ids = [trial.trial_id for trial in self._in_order()]
        done = [i for i in ids if self.trials[i].status in _DONE]
        self.start_order = ids
        self.end_order = [i for i in self.end_order if i in done]
        self.end_order += [i for i in done if i not in self.end_order]
        self._retry_queue = [i for i in ids if i not in done]
        self._tried_so_far, self._id_to_hash = (
            set(),
            type(self._id_to_hash)(self._id_to_hash.default_factory),
        )
        for trial in self._in_order():
            self._record_values(trial)

    def _save_trial(self, trial: Any) -> None:
        folder = Path(self._get_trial_dir(trial.trial_id))
        write(folder / "trial.json", json.dumps(trial.get_state()))

    def _compute_values_hash(self, values: dict[str, Any]) -> str:
        return super()._compute_values_hash(without_stage(values))

    def _in_order(self) -> list[Any]:
        return sorted(self.trials.values(), key=lambda trial: int(trial.trial_id))

    def _forget_ongoing(self, trial_id: str) -> None:
        for tuner_id, trial in list(self.ongoing_trials.items()):
            if trial.trial_id == trial_id:
                del self.ongoing_trials[tuner_id]

    @contextlib.contextmanager
    def _quiet(self) -> Iterator[None]:
        # KerasTuner's display takes every score for a value of the objective.
        verbose, self._display.verbose = self._display.verbose, 0
        try:
            yield
        finally:
            self._display.verbose = verbose

    def _report(self, trial: Any) -> None:
        if not self._display.verbose:
            return
        if is_scored(trial.hyperparameters):
            same, name = self.scored_trials(), "candidate"
            total = self.candidates
            names = [*self.rank_by, "seconds"]
        else:
            same, name = self.trained_trials(), "full training"
            total = self.top_k
            names = [self.objective.name, "seconds"]
        done = sum(other.status in _DONE for other in same)
        if trial.status == "COMPLETED":
            found = "  ".join(f"{n} {score_of(trial, n):.4g}" for n in names)
        else:
            found = f"failed: {last_line(trial.message)}"
        seconds = [score_of(t, "seconds") for t in same if t.status == "COMPLETED"]
        left = float(np.nanmean(seconds or [0.0])) * (total - done)
        if name == "candidate":
            left = min(left, max(0.0, self.seconds - self.spent()))
        left /= max(1, len(self.tuner_ids))
        print(f"{name} {done}/{total}  {found}  about {left:.0f} s left", flush=True)


def _values_as_json(hp: keras_tuner.HyperParameters) -> str:
    return json.dumps(without_stage(hp.values), sort_keys=True)
