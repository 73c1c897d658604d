"""The private parts of KerasTuner that the search relies on, as they are in 1.4.8."""

from __future__ import annotations

import inspect
from pathlib import Path

import keras_tuner
import pytest
from keras_tuner.src.engine import tuner_utils

from gtn_tf.search import kerastuner

# What is overridden or called, and with what.
METHODS = {
    keras_tuner.Oracle: {
        "_get_oracle_fname": "(self)",
        "_get_trial_dir": "(self, trial_id)",
        "_save_trial": "(self, trial)",
        "_random_values": "(self)",
        "_duplicate": "(self, values)",
        "_record_values": "(self, trial)",
        "_compute_values_hash": "(self, values)",
        "reload": "(self)",
        "save": "(self)",
        "get_state": "(self)",
        "set_state": "(self, state)",
        "score_trial": "(self, trial)",
        "populate_space": "(self, trial_id)",
        "get_space": "(self)",
    },
    keras_tuner.Tuner: {
        "_is_worker": "(self)",
        "_get_tuner_fname": "(self)",
        "_get_checkpoint_fname": "(self, trial_id)",
        "_try_build": "(self, hp)",
        "_build_hypermodel": "(self, hp)",
        "_run_and_update_trial": "(self, trial, *fit_args, **fit_kwargs)",
        "get_trial_dir": "(self, trial_id)",
        "on_search_begin": "(self)",
        "on_trial_begin": "(self, trial)",
        "on_trial_end": "(self, trial)",
        "pre_create_trial": "(self)",
        "run_trial": "(self, trial, *args, **kwargs)",
        "save": "(self)",
    },
    keras_tuner.oracles.BayesianOptimizationOracle: {
        "populate_space": "(self, trial_id)",
    },
    tuner_utils: {"convert_to_metrics_dict": "(results, objective)"},
}

# Of an oracle, with what a new one has.
ATTRIBUTES = {
    "_seed_state": 7,
    "_retry_queue": [],
    "_tried_so_far": set(),
    "_id_to_hash": {},
    "_max_collisions": 20,
    "trials": {},
    "ongoing_trials": {},
    "start_order": [],
    "end_order": [],
    "tuner_ids": set(),
    "verbose": 1,
}

# Called by `BaseTuner.search` and by the chief, as the adapter expects it.
FLOW = {
    "_try_run_and_update_trial": "self._run_and_update_trial(trial, *fit_args",
    "search": "self.on_trial_end(trial)",
    "on_trial_end": "self.oracle.end_trial(trial)",
}


@pytest.mark.parametrize(
    "owner, name, signature",
    [
        (owner, name, signature)
        for owner, methods in METHODS.items()
        for name, signature in methods.items()
    ],
)
def test_methods_are_where_they_were(owner, name, signature) -> None:
    assert str(inspect.signature(getattr(owner, name))) == signature


def test_attributes_are_where_they_were() -> None:
    oracle = keras_tuner.Oracle("loss", seed=7)
    assert {name: getattr(oracle, name) for name in ATTRIBUTES} == ATTRIBUTES
    assert oracle._id_to_hash["unknown"] is None
    assert isinstance(keras_tuner.Oracle._project_dir, property)
    trial = keras_tuner.engine.trial.Trial(keras_tuner.HyperParameters())
    assert trial.metrics.metrics == {} and type(trial.metrics)().metrics == {}


@pytest.mark.parametrize("name, call", FLOW.items())
def test_a_trial_goes_the_way_it_went(name, call) -> None:
    assert call in inspect.getsource(getattr(keras_tuner.Tuner, name))


def test_no_other_file_knows_private_parts() -> None:
    root = Path(kerastuner.__file__).parent.parent
    private = [n for names in METHODS.values() for n in names if n.startswith("_")]
    private += [n for n in ATTRIBUTES if n.startswith("_")]
    private += ["keras_tuner.src", "._display", "._project_dir"]
    others = {*root.rglob("*.py")} - {Path(kerastuner.__file__)}
    # Which Keras KerasTuner takes is settled before it is imported.
    others -= {root / "legacy_keras.py"}
    for file in sorted(others):
        text = file.read_text(encoding="utf-8")
        assert not [name for name in private if name in text], file
