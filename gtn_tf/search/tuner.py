"""The tuner of the search: scores candidates and trains the best of them."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras_tuner
import tensorflow as tf

from gtn_tf.callbacks import as_list
from gtn_tf.errors import ArgumentError
from gtn_tf.search.checks import check_scoring, check_training
from gtn_tf.search.data import ScoringData, fit_arguments, scoring_data
from gtn_tf.search.hparams import write_hparams
from gtn_tf.search.identity import (
    Identity,
    expect_same,
    identity,
    of_networks,
)
from gtn_tf.search.kerastuner import SearchTuner
from gtn_tf.search.oracle import ANEW, GTNOracle
from gtn_tf.search.phases import is_scored, to_score, without_phase
from gtn_tf.search.scorers import (
    Preparation,
    Scorer,
    make_scorer,
    score,
    without_retracing_warnings,
)
from gtn_tf.search.spaces.base import candidate_of
from gtn_tf.teaching import TrainedTeacher
from gtn_tf.teaching.load import as_teacher


class GTNTuner(SearchTuner):
    """Ranks candidates with a teacher, then trains the best.

    Each trial of the first phase trains a candidate on the teacher's lessons and
    scores it on the validation data given to `search`. The second phase trains the
    best `top_k` as `keras_tuner.Tuner` does, with the arguments given to `search`.
    With `KERASTUNER_ORACLE_IP` and KerasTuner's other variables set, workers share
    both phases.

    Args:
        hypermodel: A `CellSpace`, or any `keras_tuner.HyperModel` or function that
            builds a classifier of images.
        teacher: From `gtn_tf.load_teacher`, or a name or path for it; needed by the
            scorers `"gtn"` and `"gtn_tse"`.
        objective: As for `keras_tuner.Tuner`; used in the second phase.
        candidates: Architectures that are scored.
        top_k: Architectures that are trained.
        scorer: Ranks the candidates: `"gtn"`, `"real"` (a few steps of real
            data), `"gtn_tse"`, `"real_tse"` (training speed in the same steps),
            `"params"`, `"flops"`, `"synflow"`, `"naswot"`, a `Scorer`, or a list of
            them, whose ranks are added.
        also: More scorers, whose scores are only recorded. The numbers of parameters
            and operations always are.
        seconds: As for `GTNOracle`.
        steps: Inner steps of the scorers that train; beyond the teacher's own, its
            curriculum is repeated.
        seed: Of the candidates, their weights and their training.
        oracle_options: Further arguments for `GTNOracle`.
        oracle: Replaces `objective`, `candidates`, `top_k`, `seconds`, `seed` and
            `oracle_options`.
        **kwargs: As for `keras_tuner.Tuner`: `directory`, `project_name`, ...

    Raises:
        ValueError: If a scorer is unknown or lacks its teacher, if `oracle` is not a
            `GTNOracle`, or if one of its settings is given twice.

    Example:

    >>> import gtn_tf
    >>> digits = gtn_tf.data.load("digits")
    >>> space = gtn_tf.search.NASBench201Space((8, 8, 1), 10, cells=1, filters=4)
    >>> tuner = GTNTuner(
    ...     space,
    ...     gtn_tf.load_teacher("digits"),
    ...     candidates=2,
    ...     top_k=1,
    ...     steps=12,
    ...     directory="runs",
    ...     project_name="cells",
    ... )
    >>> tuner.search(
    ...     digits.train_images,
    ...     digits.train_labels,
    ...     validation_data=(digits.validation_images, digits.validation_labels),
    ...     verbose=0,
    ... )
    >>> [len(phase) for phase in (tuner.oracle.ranking(), tuner.get_best_models())]
    [2, 1]
    """

    def __init__(
        self,
        hypermodel: Any,
        teacher: TrainedTeacher | str | os.PathLike[str] | None = None,
        objective: Any = "val_accuracy",
        candidates: int = 100,
        top_k: int = 10,
        scorer: str | Scorer | Sequence[str | Scorer] = "gtn",
        also: Sequence[str | Scorer] = (),
        seconds: float = math.inf,
        steps: int = 128,
        seed: int = 0,
        oracle_options: dict[str, Any] | None = None,
        oracle: GTNOracle | None = None,
        **kwargs: Any,
    ) -> None:
        settings = {
            "objective": objective,
            "candidates": candidates,
            "top_k": top_k,
            "seconds": seconds,
            "seed": seed,
        }
        if oracle is None:
            oracle = GTNOracle(**settings, **(oracle_options or {}))
        else:
            _expect_oracle(oracle, {**settings, "oracle_options": oracle_options})
        teacher = None if teacher is None else as_teacher(teacher)
        asked = [scorer] if isinstance(scorer, (str, Scorer)) else list(scorer)
        rank_by = [make_scorer(one, teacher, steps) for one in asked]
        recorded = [
            make_scorer(one, teacher, steps) for one in (*also, "params", "flops")
        ]
        # By name: a scorer may both rank and be recorded.
        self.scorers = {one.name: one for one in (*recorded, *rank_by)}
        self.rank_by = tuple(one.name for one in rank_by)
        self.top_k = oracle.top_k
        self.seed = oracle.seed
        self._preparation = Preparation(self.seed)
        self._identity: Identity | None = (
            None  # of a worker, until compared with the chief's
        )
        oracle.rank_by = self.rank_by
        if oracle.describe is None:
            oracle.describe = getattr(hypermodel, "describe", None)
        self._given: tuple[dict[str, Any], ScoringData] | None = None
        super().__init__(oracle, hypermodel, **kwargs)

    def search(self, *args: Any, **kwargs: Any) -> None:
        """Scores candidates and trains the best; see `keras_tuner.Tuner.search`.

        Args:
            *args: As for `tf.keras.Model.fit`.
            **kwargs: As for `tf.keras.Model.fit`.

        Raises:
            SearchError: If no candidate can be scored or trained with these arguments;
                if the folder holds a search with other settings or data; if the first
                three candidates fail in the same way; or if all fail.
        """
        if type(self).run_trial is GTNTuner.run_trial:  # a subclass may need other data
            self._check(fit_arguments(args, kwargs))
        with self._preparation:
            super().search(*args, **kwargs)
        self._given = None
        if not self.is_worker:
            self.oracle.expect_results()

    def _check(self, arguments: dict[str, Any]) -> None:
        """Checks the search before the first candidate, and identifies it."""
        data = self._scoring_data(arguments)
        # Of this hypermodel, not of the one that a resumed search started with.
        hp = keras_tuner.HyperParameters()
        hp.values = to_score({})
        tf.keras.backend.clear_session()
        model = candidate_of(self.hypermodel, hp).build()
        check_scoring(model, self.scorers.values(), data)
        recorded = [n for n in self.scorers if n not in self.rank_by]
        ranking, others = (
            [self.scorers[name] for name in names] for names in (self.rank_by, recorded)
        )
        networks = of_networks(model, hp.get_config()["space"])
        found = identity(ranking, others, networks, data, self.seed)
        if self.top_k and type(self.hypermodel).fit is keras_tuner.HyperModel.fit:
            hp.values = without_phase(hp.values)
            callbacks = as_list(arguments.get("callbacks"))
            check_training(self.compiled(hp), data, self._objectives(), callbacks)
        if self.is_worker:
            self._identity = found  # compared once the chief has started
        else:
            self.oracle.begin(found)

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Scores a candidate, or trains it; see `keras_tuner.Tuner.run_trial`.

        Args:
            trial: Of either phase.
            *args: Those of `search`.
            **kwargs: Those of `search`.

        Returns:
            The scores by name, or the metrics of the best epoch; and `seconds`.
        """
        if self._identity is not None:
            self._expect_the_chiefs(self._identity)
        if is_scored(trial.hyperparameters):
            data = self._scoring_data(fit_arguments(args, kwargs))
            results = self._score(trial, data)
        else:
            results = self._train(trial, *args, **kwargs)
        folder = Path(self.project_dir) / "tensorboard" / trial.trial_id
        write_hparams(folder, trial, results)
        return results

    def _scoring_data(self, arguments: dict[str, Any]) -> ScoringData:
        """The same object for the same arguments: scorers keep what they read of it."""
        if self._given is None or not _are_same(self._given[0], arguments):
            self._given = arguments, scoring_data(**arguments)
        return self._given[1]

    def _expect_the_chiefs(self, own: Identity) -> None:
        """Stops a worker whose scores could not be compared with the chief's."""
        file = (
            Path(self.project_dir) / "oracle.json"
        )  # written by the chief at its start
        state = json.loads(file.read_text(encoding="utf-8-sig"))
        expect_same(state["gtn_identity"], own, self.project_dir, ANEW)
        self._identity = None

    def _train(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
        started = time.monotonic()
        # The same weights and order on any worker.
        tf.keras.utils.set_random_seed(self._seed_of(trial))
        with without_retracing_warnings():
            results = self.train(trial, *args, **kwargs)
        return {**results, "seconds": time.monotonic() - started}

    def _score(self, trial: Any, data: ScoringData) -> dict[str, float]:
        scorers = self.scorers.values()
        self._preparation.prepare(scorers, data)  # not part of a candidate's time
        started = time.monotonic()
        candidate = candidate_of(self.hypermodel, trial.hyperparameters)
        scores = score(candidate, scorers, data, self._seed_of(trial))
        return {**scores, "seconds": time.monotonic() - started}

    def _objectives(self) -> list[str]:
        objective = self.oracle.objective
        return [objective.name, *getattr(objective, "name_to_direction", ())]

    def _seed_of(self, trial: Any) -> int:
        """Depends on the architecture, not on the trial's number or worker."""
        values = json.dumps(without_phase(trial.hyperparameters.values), sort_keys=True)
        digest = hashlib.sha256(f"{self.seed} {values}".encode()).digest()
        return int.from_bytes(digest[:4], "big")


def _are_same(some: dict[str, Any], others: dict[str, Any]) -> bool:
    if some.keys() != others.keys():
        return False
    return all(value is others[name] for name, value in some.items())


def _expect_oracle(oracle: Any, settings: dict[str, Any]) -> None:
    """Checks the type of an oracle, and that none of its settings is given twice."""
    if not isinstance(oracle, GTNOracle):
        raise ArgumentError(
            f"oracle: expected a GTNOracle, received {type(oracle).__name__}; another "
            "way to choose candidates is a Proposer: GTNOracle(proposer=...)"
        )
    defaults = inspect.signature(GTNTuner.__init__).parameters
    twice = [n for n, value in settings.items() if value != defaults[n].default]
    if twice:
        raise ArgumentError(
            f"{twice[0]}: expected to be given to the oracle alone, received "
            f"{settings[twice[0]]!r} beside one"
        )
