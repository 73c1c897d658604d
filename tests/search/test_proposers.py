"""Which candidate comes next: what a proposer sees, and that kills change nothing."""

from __future__ import annotations

import json
import math
import re

import keras_tuner
import numpy as np
import pytest

from gtn_tf.errors import ArgumentError
from gtn_tf.search import (
    GTNOracle,
    GTNTuner,
    Proposer,
    RandomProposer,
    SearchError,
)
from gtn_tf.search.progress import progress_line
from test_search import Stub, search_killed_at_any_write, weights_of


class Neighbour(Proposer):
    """Changes one value of the best candidate, after three at random."""

    def propose(self, history):
        known = [one for one in history.observations if one.score is not None]
        if len(known) < 3:
            return history.draw()
        rng, best = history.rng(), max(known, key=lambda one: one.score)
        for _ in range(100):
            units = int(np.clip(best.values["units"] + rng.integers(-2, 3), 1, 9))
            values = {"units": units, "bias": bool(rng.integers(2))}
            if not history.is_tried(values):
                return values
        return history.draw()


class Countdown(Proposer):
    """Nine units, then eight, ...: its place in the list is its state."""

    def __init__(self) -> None:
        self._units = 10

    def propose(self, history):
        while self._units > 1:
            self._units -= 1
            values = {"units": self._units, "bias": False}
            if not history.is_tried(values):
                return values
        return None

    def get_state(self):
        return {"units": self._units}

    def set_state(self, state) -> None:
        self._units = state["units"]


def oracle(proposer: Proposer | None = None, **kwargs) -> GTNOracle:
    settings = {"candidates": 6, "top_k": 2, **kwargs}
    return GTNOracle("val_accuracy", proposer=proposer, **settings)


def proposed(tuner: GTNTuner) -> list[int]:
    return [
        t.hyperparameters.values["units"]
        for t in tuner.oracle.trials.values()
        if t.hyperparameters.values["gtn/stage"] == "score"
    ]


@pytest.mark.parametrize(
    "kind", [pytest.param(Neighbour, marks=pytest.mark.slow), Countdown]
)
def test_a_kill_at_any_write_changes_no_proposal(tmp_path, monkeypatch, kind) -> None:
    def make(folder):
        return Stub(folder, oracle=oracle(kind()))

    search_killed_at_any_write(tmp_path, monkeypatch, make, 55)


def test_a_proposer_sees_scores_and_values(tmp_path) -> None:
    seen = []

    class Watching(RandomProposer):
        def propose(self, history):
            seen.append(history)
            return super().propose(history)

    tuner = Stub(tmp_path, oracle=oracle(Watching(), seed=4))
    tuner.search(verbose=0)
    last = seen[5]
    assert last.seed == 4 and {hp.name for hp in last.space.space} == {"units", "bias"}
    assert len(last.observations) == 5
    for one in last.observations:
        assert {*one.values} == {"units", "bias"} and one.status == "COMPLETED"
        assert one.score == weights_of(**one.values)
        assert last.is_tried(one.values)
    numbers = [history.rng().integers(2**31) for history in seen[:6]]
    assert len({*numbers}) == 6
    assert numbers == [history.rng().integers(2**31) for history in seen[:6]]


def test_candidates_that_failed_have_no_score_and_ranks_are_added(tmp_path) -> None:
    seen = []

    class Watching(RandomProposer):
        def propose(self, history):
            seen.append(history.observations)
            return super().propose(history)

    class Two(Stub):
        def run_trial(self, trial, *args, **kwargs):
            found = super().run_trial(trial)
            if trial.trial_id == "0001":
                raise ValueError("out of luck")
            return {**found, "other": found.get("weights", 0)}

    tuner = Two(tmp_path, oracle=oracle(Watching()))
    tuner.oracle.rank_by = ("weights", "other")
    tuner.search(verbose=0)
    failed = seen[5][1]
    assert failed.status == "FAILED" and failed.score is None
    good = [one for one in seen[5] if one is not failed]
    sizes = [weights_of(**one.values) for one in good]
    assert np.argsort([one.score for one in good]).tolist() == (
        np.argsort(sizes).tolist()
    )
    assert max(one.score for one in good) == -2  # twice the first


def test_the_default_is_random_search(tmp_path) -> None:
    found = []
    for folder, given in (("a", {"candidates": 6}), ("b", {"oracle": oracle()})):
        tuner = Stub(tmp_path / folder, **given)
        tuner.search(verbose=0)
        found.append(proposed(tuner))
        state = json.loads((tmp_path / folder / "s" / "oracle.json").read_text())
        assert "gtn_proposer" not in state  # nothing but KerasTuner's own
    assert found[0] == found[1] and len(found[0]) == 6


def test_a_proposer_with_no_more_ends_the_first_phase(tmp_path) -> None:
    tuner = Stub(tmp_path, oracle=oracle(Countdown(), candidates=20))
    tuner.search(verbose=0)
    assert proposed(tuner) == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert len(tuner.runs) == 9 + 2
    state = json.loads((tmp_path / "s" / "oracle.json").read_text())
    assert state["gtn_proposer"] == {"units": 1}


def test_a_proposer_may_wait_for_scores(tmp_path) -> None:
    class Rounds(Proposer):
        def propose(self, history):
            asked.append(len(history.observations))
            if any(one.score is None for one in history.observations):
                return None
            return history.draw()

    asked: list[int] = []
    searched = Stub(tmp_path, oracle=oracle(Rounds())).oracle
    assert searched.create_trial("one").status == "RUNNING"
    assert searched.create_trial("two").status == "IDLE"
    first = searched.trials["0000"]
    searched.update_trial("0000", {"weights": 3.0, "seconds": 1.0})
    first.status = "COMPLETED"
    searched.end_trial(first)
    assert searched.create_trial("two").status == "RUNNING"
    assert asked == [0, 1, 1]


def test_a_proposer_that_fails_ends_the_search(tmp_path) -> None:
    class Broken(Proposer):
        def propose(self, history):
            return {}["units"]

    class Repeating(Proposer):
        def propose(self, history):
            return {"units": 3, "bias": True}

    with pytest.raises(SearchError, match="Broken failed: 'units'") as caught:
        Stub(tmp_path / "a", oracle=oracle(Broken())).search(verbose=0)
    assert isinstance(caught.value.__cause__, KeyError)
    tuner = Stub(tmp_path / "b", oracle=oracle(Repeating()))
    with pytest.raises(SearchError, match="values that no candidate has had"):
        tuner.search(verbose=0)
    assert len(tuner.runs) == 1


def test_another_proposer_does_not_go_on_with_a_search(tmp_path) -> None:
    identity = {"seed": "0"}
    begun = Stub(tmp_path, oracle=oracle(Countdown()))
    begun.oracle.begin(identity)
    begun.search(verbose=0)
    again = Stub(tmp_path, oracle=oracle(Countdown()))
    again.oracle.begin(identity)
    other = Stub(tmp_path, oracle=oracle())
    with pytest.raises(SearchError, match="proposer.kind: Countdown != Random"):
        other.oracle.begin(identity)


def test_what_is_the_oracles_is_given_to_it(tmp_path) -> None:
    with pytest.raises(ArgumentError, match="candidates: expected to be given to the"):
        Stub(tmp_path, oracle=oracle(), candidates=5)
    with pytest.raises(ArgumentError, match="expected a GTNOracle, received Bayesian"):
        Stub(tmp_path, oracle=keras_tuner.oracles.BayesianOptimizationOracle("loss"))
    given = oracle(seed=3, describe=lambda hp: "mine")
    tuner = Stub(tmp_path, oracle=given)
    assert (tuner.seed, tuner.top_k, given.rank_by) == (3, 2, ("weights",))
    assert given.describe(None) == "mine"


def test_lines_of_progress_go_where_they_are_wanted(tmp_path, capsys) -> None:
    lines: list[str] = []
    tuner = Stub(tmp_path, oracle=oracle(report=lines.append))
    tuner.search(verbose=1)
    assert lines[0].startswith("candidate 1/6  weights ")
    assert re.search(r"  \d+ candidates/min, \d+ s left$", lines[0])
    assert lines[-1].startswith("full training 2/2  val_accuracy ")
    assert lines[-1].endswith(" full trainings/min, 0 s left")
    assert len(lines) == 8 and "candidate" not in capsys.readouterr().out
    assert not math.isnan(float(lines[0].split()[3]))


def ended(seconds: float | None) -> keras_tuner.engine.trial.Trial:
    """A trial that took so long, or, for None, failed."""
    status = "FAILED" if seconds is None else "COMPLETED"
    trial = keras_tuner.engine.trial.Trial(
        keras_tuner.HyperParameters(), status=status, message="out of luck"
    )
    if seconds is not None:
        trial.metrics.register("seconds", "min")
        trial.metrics.update("seconds", seconds)
    return trial


def test_the_time_left_is_that_of_all_workers_and_within_the_budget() -> None:
    def line(trials: list, seconds_left: float = math.inf, workers: int = 1) -> str:
        last, settings = trials[-1], ("candidate", 10, ["seconds"])
        return progress_line(last, trials, *settings, seconds_left, workers)

    trials = [ended(None), ended(2.0), ended(4.0)]
    assert line(trials).endswith("3/10  seconds 4  20 candidates/min, 21 s left")
    assert line(trials, workers=2).endswith("40 candidates/min, 10 s left")
    assert line(trials, 12.0, 2).endswith("40 candidates/min, 6 s left")
    assert line(trials[:1]) == "candidate 1/10  failed: out of luck"
