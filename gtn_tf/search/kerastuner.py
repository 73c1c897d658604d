"""Fixes KerasTuner for the search: the only file that uses its private names.

KerasTuner 1.4 treats a seed of 0 as none, takes a small space for exhausted too early,
may run a finished trial again after a kill, leaves files half-written, draws late
hyperparameters without a seed, does not send a worker's error to the chief, asks an
idle oracle again at once, and takes every result for the objective. The classes here
mend that, and the rest of the search uses what they offer.
tests/search/test_kerastuner.py fails when a name or a signature that they rely
on changes.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras_tuner
import tensorflow as tf
from keras_tuner.src.engine import tuner_utils

from gtn_tf.atomic_file import write
from gtn_tf.search.choices import COLLISIONS
from gtn_tf.search.phases import is_scored, without_phase

FINISHED = ("COMPLETED", "FAILED")

_FAILURE = "failure.txt"  # in a trial's folder: why it failed
_IDLE_SECONDS = 0.5


class SearchOracle(keras_tuner.Oracle):
    """A `keras_tuner.Oracle` of two phases that survives kills.

    The state is in the trials' files, which are written atomically. A finished trial
    is never run again.

    Args:
        objective: As for `keras_tuner.Oracle`; trials that are scored have none.
        seed: Of the search; 0 is a seed like any other.
        **kwargs: As for `keras_tuner.Oracle`.
    """

    # KerasTuner's attributes, which have no types.
    end_order: list[str]
    verbose: int
    _id_to_hash: Any
    _max_collisions: int
    _retry_queue: list[str]
    _tried_so_far: set[str]

    def __init__(self, objective: Any, seed: int, **kwargs: Any) -> None:
        # Failed candidates never stop the search.
        kwargs.setdefault("max_consecutive_failed_trials", math.inf)
        super().__init__(objective, seed=seed, **kwargs)
        self.seed = self._seed_state = seed  # KerasTuner treats 0 as no seed
        self._max_collisions = COLLISIONS

    @property
    def folder(self) -> Path:
        """The folder of the search."""
        return Path(self._project_dir)

    def in_order(self) -> list[Any]:
        """All trials, in the order of creation."""
        return sorted(self.trials.values(), key=lambda trial: int(trial.trial_id))

    def random_values(self) -> dict[str, Any] | None:
        """Draws values that no trial has had; `None` if the space is exhausted."""
        before, values = self._seed_state, self._random_values()
        if values is None:
            self._seed_state = before  # the same draws again: it stays exhausted
        return values

    def is_tried(self, values: Mapping[str, Any]) -> bool:
        """Whether a trial has had these values of the architecture.

        Args:
            values: Of all active hyperparameters.
        """
        return self._duplicate(self.completed(values))

    def completed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Adds the default of each active hyperparameter that has no value.

        A hypermodel may declare more of them with each network that it builds;
        KerasTuner would draw them without a seed.

        Args:
            values: Of a new trial.
        """
        hp = self.get_space()
        hp.values = dict(values)
        for one in hp.space:
            if one.name not in hp.values and hp.is_active(one):
                hp.values[one.name] = one.default
        return hp.values

    def on_trial_end(self, trial: Any) -> None:
        """Called after a trial has ended and was saved.

        Args:
            trial: The trial.
        """

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> Any:
        """Returns a worker's next trial; see `keras_tuner.Oracle.create_trial`.

        Args:
            tuner_id: Of the worker.
        """
        # Another worker may have finished a trial that is queued for a retry.
        waiting = [i for i in self._retry_queue if not self._is_finished(i)]
        self._retry_queue = sorted(waiting, key=int, reverse=True)
        with self._silent():
            trial = super().create_trial(tuner_id)
        if trial.status == "RUNNING" and trial.metrics.metrics:
            # A killed worker may have reported results; they will be reported again.
            trial.metrics = type(trial.metrics)()
        return trial

    @keras_tuner.synchronized
    def update_trial(
        self, trial_id: str, metrics: Mapping[str, float], step: int = 0
    ) -> Any:
        """Takes a trial's results; see `keras_tuner.Oracle.update_trial`.

        Args:
            trial_id: Of the trial.
            metrics: Its results.
            step: Of the results.
        """
        trial = self.trials[trial_id]
        if trial_id in self.end_order:  # two workers ran it; the first counts
            return trial
        if not is_scored(trial.hyperparameters):
            return super().update_trial(trial_id, metrics, step)
        for name, value in metrics.items():  # scores, not the objective
            trial.metrics.register(name, "max")
            trial.metrics.update(name, value, step=step)
        self._save_trial(trial)
        return trial

    @keras_tuner.synchronized
    def end_trial(self, trial: Any) -> None:
        """Ends a trial; see `keras_tuner.Oracle.end_trial`.

        Args:
            trial: The trial, with its status.
        """
        stored = self.trials[trial.trial_id]
        if trial.trial_id in self.end_order:
            self._forget_ongoing(trial.trial_id)
            return
        reason = Path(self._get_trial_dir(trial.trial_id)) / _FAILURE
        if not trial.message and reason.exists():  # KerasTuner sends no message
            trial.message = reason.read_text(encoding="utf-8-sig")
        with self._silent():
            super().end_trial(trial)
        self.save()  # again: the trial is no longer ongoing
        self.on_trial_end(stored)

    def save(self) -> None:
        """Writes the oracle's state."""
        write(Path(self._get_oracle_fname()), json.dumps(self.get_state()))

    def reload(self) -> None:
        """Reads the state, and repairs it if the process died between two writes."""
        super().reload()
        ids = [trial.trial_id for trial in self.in_order()]
        finished = [i for i in ids if self._is_finished(i)]
        self.start_order = ids
        self.end_order = [i for i in self.end_order if i in finished]
        self.end_order += [i for i in finished if i not in self.end_order]
        self._retry_queue = [i for i in ids if i not in finished]
        self._tried_so_far = set()
        self._id_to_hash = type(self._id_to_hash)(self._id_to_hash.default_factory)
        for trial in self.in_order():
            self._record_values(trial)

    def _save_trial(self, trial: Any) -> None:
        folder = Path(self._get_trial_dir(trial.trial_id))
        write(folder / "trial.json", json.dumps(trial.get_state()))

    def _compute_values_hash(self, values: dict[str, Any]) -> str:
        return super()._compute_values_hash(without_phase(values))

    def _is_finished(self, trial_id: str) -> bool:
        return self.trials[trial_id].status in FINISHED

    def _forget_ongoing(self, trial_id: str) -> None:
        for tuner_id, trial in list(self.ongoing_trials.items()):
            if trial.trial_id == trial_id:
                del self.ongoing_trials[tuner_id]

    @contextlib.contextmanager
    def _silent(self) -> Iterator[None]:
        # KerasTuner's display treats every score as the objective.
        verbose, self.verbose = self.verbose, 0
        try:
            yield
        finally:
            self.verbose = verbose


class SearchTuner(keras_tuner.Tuner):
    """A `keras_tuner.Tuner` of two phases that survives kills.

    Args:
        oracle: Chooses the next trial.
        hypermodel: As for `keras_tuner.Tuner`.
        **kwargs: As for `keras_tuner.Tuner`: `directory`, `project_name`, ...
    """

    def __init__(self, oracle: SearchOracle, hypermodel: Any, **kwargs: Any) -> None:
        if kwargs.get("directory") is not None:
            kwargs["directory"] = os.path.expanduser(os.fspath(kwargs["directory"]))
        self._is_idle = False
        super().__init__(oracle, hypermodel, **kwargs)

    @property
    def is_worker(self) -> bool:
        """Whether the oracle is in another process, that of the chief."""
        return self._is_worker()

    def compiled(self, hp: keras_tuner.HyperParameters) -> tf.keras.Model:
        """The compiled network, before its full training.

        Args:
            hp: Of a trial.
        """
        return self._build_hypermodel(hp)

    def train(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Trains a network, as `keras_tuner.Tuner.run_trial` does.

        Args:
            trial: Of the second phase.
            *args: As for `fit`.
            **kwargs: As for `fit`.

        Returns:
            The metrics of the best epoch.
        """
        found = super().run_trial(trial, *args, **kwargs)
        return tuner_utils.convert_to_metrics_dict(found, self.oracle.objective)

    def load_model(self, trial: Any) -> tf.keras.Model:
        """Restores a fully trained network; see `keras_tuner.Tuner.load_model`.

        Args:
            trial: Of the second phase.
        """
        model = self._try_build(trial.hyperparameters)
        # The optimizer's state, also in the checkpoint, is not needed.
        path = self._get_checkpoint_fname(trial.trial_id)
        model.load_weights(path).expect_partial()
        return model

    def on_search_begin(self) -> None:
        """Saves the search before its first trial, so that it can be resumed."""
        self.save()

    def pre_create_trial(self) -> None:
        """Waits if there was nothing to do at the last request."""
        if self._is_idle:
            time.sleep(_IDLE_SECONDS)
        self._is_idle = True

    def on_trial_begin(self, trial: Any) -> None:
        """Notes that there is something to do.

        Args:
            trial: The trial.
        """
        self._is_idle = False

    def on_trial_end(self, trial: Any) -> None:
        """Reports a trial to the oracle.

        Args:
            trial: The trial, with its status.
        """
        if trial.message:
            folder = Path(self.get_trial_dir(trial.trial_id))
            write(folder / _FAILURE, trial.message)
        super().on_trial_end(trial)

    def save(self) -> None:
        """Writes the tuner's state, and the oracle's unless this is a worker."""
        if not self.is_worker:
            self.oracle.save()
        write(Path(self._get_tuner_fname()), json.dumps(self.get_state()))

    def _run_and_update_trial(self, trial: Any, *args: Any, **kwargs: Any) -> None:
        if not is_scored(trial.hyperparameters):
            super()._run_and_update_trial(trial, *args, **kwargs)
            return
        # KerasTuner expects the objective, which a scored candidate does not have.
        scores = self.run_trial(trial, *args, **kwargs)
        self.oracle.update_trial(trial.trial_id, scores)
