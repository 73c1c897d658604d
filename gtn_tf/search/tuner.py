"""The tuner of the search: scores candidates and trains the best of them."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
import tensorflow as tf
from keras_tuner.src.engine import tuner_utils
from tensorboard.plugins.hparams import api as hparams

from gtn_tf.atomic_file import write
from gtn_tf.callbacks import as_list
from gtn_tf.search.checks import check_scoring, check_training
from gtn_tf.search.data import ScoringData, fit_arguments, scoring_data
from gtn_tf.search.errors import ScoreError
from gtn_tf.search.identity import (
    Identity,
    identity,
    of_networks,
    refuse_another,
)
from gtn_tf.search.oracle import ANEW, FAILURE, GTNOracle
from gtn_tf.search.scorers import Scorer
from gtn_tf.search.scoring import make_scorer, score, without_retracing_warnings
from gtn_tf.search.stages import SCORE, STAGE, is_scored, without_stage
from gtn_tf.teaching import TrainedTeacher
from gtn_tf.teaching.load import as_teacher

_IDLE_SECONDS = 0.5


class GTNTuner(keras_tuner.Tuner):
    """Ranks candidates by what a teacher makes of them, then trains the best.

    Each trial of the first phase builds a candidate, lets the teacher teach it, and
    scores it on the validation data given to `search`. The second phase trains the
    best `top_k` as `keras_tuner.Tuner` does, with the arguments given to `search`.
    Where `KERASTUNER_ORACLE_IP` and its companions are set, workers share both
    phases, as in any KerasTuner script.

    Args:
        hypermodel: A `CellSpace`, or any `keras_tuner.HyperModel` or function that
            builds a classifier of images.
        teacher: What `gtn_tf.load_teacher` gave, or what it takes: a name or a path;
            needed by the scorer `"gtn"`.
        objective: As for `keras_tuner.Tuner`; it counts in the second phase.
        candidates: Architectures that are scored.
        top_k: Architectures that are trained.
        scorer: What ranks the candidates: `"gtn"`, `"real"` (a few steps of real
            data), `"gtn_tse"`, `"real_tse"` (training speed in the same steps),
            `"params"`, `"flops"`, `"synflow"`, `"naswot"`, a `Scorer`, or a list of
            them, whose ranks are added.
        also: More scorers, whose scores are recorded and do not count. The numbers of
            parameters and of operations always are.
        seconds: As for `GTNOracle`.
        steps: Inner steps of the scorers that train; beyond the teacher's own, its
            curriculum is repeated.
        seed: Of the candidates, their weights and their training; 0 means 0.
        oracle_options: More arguments for `GTNOracle`.
        **kwargs: As for `keras_tuner.Tuner`: `directory`, `project_name`, ...

    Raises:
        ValueError: If a scorer is unknown or lacks its teacher.

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
        **kwargs: Any,
    ) -> None:
        teacher = None if teacher is None else as_teacher(teacher)
        asked = [scorer] if isinstance(scorer, (str, Scorer)) else list(scorer)
        rank_by = [make_scorer(one, teacher, steps) for one in asked]
        recorded = [
            make_scorer(one, teacher, steps) for one in (*also, "params", "flops")
        ]
        # By name: one that ranks may also be recorded.
        self.scorers = {one.name: one for one in (*recorded, *rank_by)}
        self.rank_by = tuple(one.name for one in rank_by)
        self.top_k = top_k
        self.seed = seed
        self._waits = False
        self._identity: Identity | None = None  # of a worker's search, until compared
        oracle = GTNOracle(
            objective,
            candidates,
            top_k,
            seconds,
            self.rank_by,
            getattr(hypermodel, "describe", None),
            seed,
            **(oracle_options or {}),
        )
        if kwargs.get("directory") is not None:
            kwargs["directory"] = os.path.expanduser(os.fspath(kwargs["directory"]))
        super().__init__(oracle, hypermodel, **kwargs)

    def search(self, *args: Any, **kwargs: Any) -> None:
        """Scores candidates and trains the best; see `keras_tuner.Tuner.search`.

        Args:
            *args: As for `tf.keras.Model.fit`.
            **kwargs: As for `tf.keras.Model.fit`.

        Raises:
            SearchError: If no candidate could be scored or trained with these
                arguments; if there is a search that other settings or other data made;
                if the first three candidates fail alike; or if all fail.
        """
        if type(self).run_trial is GTNTuner.run_trial:  # else it needs other things
            self._prepare(fit_arguments(args, kwargs))
        super().search(*args, **kwargs)
        if not self._is_worker():
            self.oracle.expect_results()

    def _prepare(self, arguments: dict[str, Any]) -> None:
        """Tells what is wrong before the first candidate, and what makes the scores."""
        data = scoring_data(**arguments)
        # Of this hypermodel, and not of one that a search was begun with.
        hp = keras_tuner.HyperParameters()
        hp.values[STAGE] = SCORE
        tf.keras.backend.clear_session()
        model = self.hypermodel.build(hp)
        check_scoring(model, self.scorers.values(), data)
        recorded = [n for n in self.scorers if n not in self.rank_by]
        ranking, others = (
            [self.scorers[name] for name in names] for names in (self.rank_by, recorded)
        )
        networks = of_networks(model, hp.get_config()["space"])
        found = identity(ranking, others, networks, data, self.seed)
        self._override_compile_args(model)
        if self.top_k and type(self.hypermodel).fit is keras_tuner.HyperModel.fit:
            callbacks = as_list(arguments.get("callbacks"))
            check_training(model, data, self._objectives(), callbacks)
        if self._is_worker():
            self._identity = found  # compared when the chief has certainly begun
        else:
            self.oracle.begin(found)

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Scores a candidate, or trains it; see `keras_tuner.Tuner.run_trial`.

        Args:
            trial: Of either phase.
            *args: Those of `search`.
            **kwargs: Those of `search`.
        """
        if self._identity is not None:
            self._expect_the_chiefs(self._identity)
        started = time.monotonic()
        if is_scored(trial.hyperparameters):
            results = self._score(trial, scoring_data(**fit_arguments(args, kwargs)))
        else:
            # The same weights and order, whichever worker has it.
            tf.keras.utils.set_random_seed(self._seed_of(trial))
            with without_retracing_warnings():
                found = super().run_trial(trial, *args, **kwargs)
            objective = self.oracle.objective
            results = tuner_utils.convert_to_metrics_dict(found, objective)
        results["seconds"] = time.monotonic() - started
        self._write_hparams(trial, results)
        return results

    def _expect_the_chiefs(self, own: Identity) -> None:
        """Stops a worker whose scores could not be compared with the chief's."""
        file = Path(self.project_dir) / "oracle.json"  # the chief wrote it at its start
        state = json.loads(file.read_text(encoding="utf-8-sig"))
        refuse_another(state["gtn_identity"], own, self.project_dir, ANEW)
        self._identity = None

    def _score(self, trial: Any, data: ScoringData) -> dict[str, float]:
        def build() -> tf.keras.Model:
            model = self.hypermodel.build(trial.hyperparameters)
            if not isinstance(model, tf.keras.Model):
                raise ScoreError(f"expected a Keras model, received {model!r}")
            return model

        # What the objective would be is not known in this phase.
        unknown = dict.fromkeys(self._objectives(), np.nan)
        scores = score(build, self.scorers.values(), data, self._seed_of(trial))
        return {**unknown, **scores}

    def _objectives(self) -> list[str]:
        objective = self.oracle.objective
        return [objective.name, *getattr(objective, "name_to_direction", ())]

    def _seed_of(self, trial: Any) -> int:
        """Of the architecture, not of the trial: order and workers do not matter."""
        values = json.dumps(without_stage(trial.hyperparameters.values), sort_keys=True)
        digest = hashlib.sha256(f"{self.seed} {values}".encode()).digest()
        return int.from_bytes(digest[:4], "big")

    def _write_hparams(self, trial: Any, results: dict[str, float]) -> None:
        folder = Path(self.project_dir) / "tensorboard" / trial.trial_id
        values = without_stage(trial.hyperparameters.values)
        phase = "score" if is_scored(trial.hyperparameters) else "train"
        with tf.summary.create_file_writer(str(folder)).as_default():
            hparams.hparams({"phase": phase, **values}, trial_id=trial.trial_id)
            for name, value in results.items():
                if np.isfinite(value):
                    tf.summary.scalar(name, value, step=0)

    def on_search_begin(self) -> None:
        """Makes the search one that can be resumed, before its first trial."""
        self.save()

    def pre_create_trial(self) -> None:
        """Waits a little if the last answer was that there is nothing to do yet."""
        if self._waits:
            time.sleep(_IDLE_SECONDS)
        self._waits = True

    def on_trial_begin(self, trial: Any) -> None:
        """Notes that there is something to do.

        Args:
            trial: That begins.
        """
        self._waits = False

    def on_trial_end(self, trial: Any) -> None:
        """Reports a trial to the oracle.

        Args:
            trial: With its status.
        """
        if trial.message:
            folder = Path(self.get_trial_dir(trial.trial_id))
            write(folder / FAILURE, trial.message)
        super().on_trial_end(trial)

    def load_model(self, trial: Any) -> tf.keras.Model:
        """Makes a fully trained network again; see `keras_tuner.Tuner.load_model`.

        Args:
            trial: Of the second phase.
        """
        model = self._try_build(trial.hyperparameters)
        # The optimizer's state is in the checkpoint, too, and has no use here.
        path = self._get_checkpoint_fname(trial.trial_id)
        model.load_weights(path).expect_partial()
        return model

    def save(self) -> None:
        """Writes the tuner's state, and the oracle's if it is here."""
        if not self._is_worker():
            self.oracle.save()
        write(Path(self._get_tuner_fname()), json.dumps(self.get_state()))
