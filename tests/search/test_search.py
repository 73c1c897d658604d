"""The oracle and the tuner: which candidate has which score, and what a kill costs."""

from __future__ import annotations

import csv
import itertools
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from gtn_tf.search import (
    GTNTuner,
    NASBench201Space,
    Scorer,
    correlations,
    kerastuner,
    results,
    search_cost,
    seconds_to_reach,
)

X = np.random.default_rng(0).normal(size=[8, 4]).astype(np.float32)
Y = np.arange(8) % 2


def build(hp: keras_tuner.HyperParameters) -> tf.keras.Model:
    """Networks of 1 to 9 units with or without a bias: 18 architectures."""
    units = hp.Int("units", 1, 9)
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Input([4]),
            tf.keras.layers.Dense(units, use_bias=hp.Boolean("bias")),
            tf.keras.layers.Dense(2),
        ]
    )
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, ["accuracy"])
    return model


class Weights(Scorer):
    """A score that tells the architecture: its number of weights."""

    name = "weights"

    def __call__(self, build, data, seed):
        return float(build().count_params())


class Stub(GTNTuner):
    """Runs no network: what a trial gives follows from its values."""

    runs: list[str]  # of trials, in order

    def __init__(self, folder: Path, **kwargs) -> None:
        self.runs = []
        if "oracle" not in kwargs:
            kwargs = {"candidates": 5, "top_k": 2, **kwargs}
        super().__init__(
            build, scorer=Weights(), directory=folder, project_name="s", **kwargs
        )

    def run_trial(self, trial, *args, **kwargs):
        self.runs.append(trial.trial_id)
        values = trial.hyperparameters.values
        size = weights_of(values["units"], values["bias"])
        if values["gtn/stage"] == "score":
            return {"weights": size, "seconds": 1.0}
        return {"val_accuracy": size / 100, "seconds": 2.0}


def weights_of(units: int, bias: bool) -> int:
    return 4 * units + units * bool(bias) + 2 * units + 2


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "s" / "results.csv").open() as file:
        return list(csv.DictReader(file))


def without_seconds(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{k: v for k, v in row.items() if "seconds" not in k} for row in rows]


@pytest.mark.slow
def test_the_score_is_that_of_the_architecture_logged(tmp_path) -> None:
    tuner = GTNTuner(
        build,
        candidates=6,
        top_k=2,
        scorer=[Weights()],
        directory=tmp_path,
        project_name="s",
    )
    tuner.search(X, Y, validation_data=(X, Y), epochs=1, verbose=0)
    rows = table(tmp_path)
    assert len({row["genotype"] for row in rows}) == 6  # distinct
    for row in rows:
        values = eval(row["genotype"], {"true": True, "false": False})
        assert float(row["weights"]) == weights_of(values["units"], values["bias"])
        assert row["params"] == row["weights"]
    best_first = sorted(rows, key=lambda row: int(row["rank"]))
    sizes = [float(row["weights"]) for row in best_first]
    assert sizes == sorted(sizes, reverse=True)
    trained = [row["val_accuracy"] != "" for row in best_first]
    assert trained == [True] * 2 + [False] * 4
    order = [t.hyperparameters.values for t in tuner.oracle.trained_trials()]
    assert [v["gtn/trial_id"] for v in order] == [r["trial"] for r in best_first[:2]]
    for trial in tuner.oracle.get_best_trials(2):
        model = tuner.load_model(trial)
        found = model.evaluate(X, Y, verbose=0, return_dict=True)["accuracy"]
        assert found == pytest.approx(trial.score)
    assert len(tuner.oracle.get_best_trials(9)) == 2
    assert list((tmp_path / "s" / "tensorboard" / "0000").iterdir())


def test_candidates_that_fail_are_last_with_their_reason(tmp_path) -> None:
    class Fussy(Weights):
        def __call__(self, build, data, seed):
            size = super().__call__(build, data, seed)
            if size > 40:
                raise ValueError("too large to be true")
            return math.nan if size < 20 else size

    tuner = GTNTuner(
        build,
        candidates=7,
        top_k=1,
        scorer=Fussy(),
        directory=tmp_path,
        project_name="s",
    )
    tuner.search(X, Y, validation_data=(X, Y), verbose=0)
    rows = sorted(table(tmp_path), key=lambda row: int(row["rank"]))
    assert len(rows) == 7
    failed = [row["failure"] for row in rows]
    good = failed.index(next(filter(None, failed)))
    assert all(failed[good:])
    assert {reason.split(": ")[1] for reason in failed[good:]} == {
        "too large to be true",
        "weights is nan",
    }
    assert rows[0]["val_accuracy"]


@pytest.mark.parametrize("seed", [0, 3])
def test_the_seed_decides_the_candidates(tmp_path, seed: int) -> None:
    tables = []
    for name in ("a", "b"):
        tuner = Stub(tmp_path / name, seed=seed)
        tuner.search(verbose=0)
        assert tuner.oracle.seed == seed
        tables.append(table(tmp_path / name))
    assert tables[0] == tables[1]


@pytest.mark.parametrize("candidates", [18, 50])
def test_a_small_space_is_used_up_before_the_trainings(tmp_path, candidates) -> None:
    for seed in range(4):
        folder = tmp_path / str(seed)
        tuner = Stub(folder, candidates=candidates, top_k=3, seed=seed)
        tuner.search(verbose=0)
        trials = [trial.hyperparameters.values for trial in tuner.oracle.in_order()]
        phases = [values["gtn/stage"] for values in trials]
        assert phases == ["score"] * 18 + ["train"] * 3


def test_hyperparameters_that_come_late_have_their_default(tmp_path) -> None:
    class Growing(Stub):
        def run_trial(self, trial, *args, **kwargs):
            if trial.trial_id == "0001":
                trial.hyperparameters.Int("late", 5, 10**6)
            return super().run_trial(trial)

    tuner = Growing(tmp_path, candidates=2, top_k=2)
    tuner.search(verbose=0)
    assert "late" not in tuner.oracle.trials["0000"].hyperparameters.values
    trained = [t.hyperparameters.values for t in tuner.oracle.trained_trials()]
    assert [values["late"] for values in trained] == [5, 5]


def test_ranks_of_several_scores_are_added(tmp_path) -> None:
    class Both(Stub):
        def run_trial(self, trial, *args, **kwargs):
            found = super().run_trial(trial)
            if "weights" in found:
                found["other"] = -found["weights"]
            return found

    tuner = Both(tmp_path)
    tuner.oracle.rank_by = ("weights", "other")  # opposite: all ranks equal
    tuner.search(verbose=0)
    assert [t.trial_id for t in tuner.oracle.ranking()] == [
        t.trial_id for t in tuner.oracle.scored_trials()
    ]


class Killed(BaseException):
    """What kill -9 is to the process: no handler runs."""


def search_killed_at_any_write(
    tmp_path, monkeypatch, make, least_writes: int, every: int = 1
):
    """Kills a search at each write in turn; what is resumed must end up the same.

    `make` makes the tuner of a folder. With `every`, only at some of the writes.
    """
    whole = make(tmp_path / "whole")
    whole.search(verbose=0)
    expected = table(tmp_path / "whole")
    real = kerastuner.write
    for kill_at in itertools.count(1, every):
        written = itertools.count(1)

        def write(path: Path, text: str, kill_at=kill_at, written=written) -> None:
            if next(written) == kill_at:
                raise Killed
            real(path, text)

        for module in (kerastuner, results):
            monkeypatch.setattr(module, "write", write)
        folder = tmp_path / str(kill_at)
        runs = []
        finished: list[str] = []
        try:
            first = make(folder)
            runs = first.runs
            first.search(verbose=0)
            break  # killed at no write: all were tried
        except Killed:
            pass
        for module in (kerastuner, results):
            monkeypatch.setattr(module, "write", real)
        finished = [
            path.parent.name.removeprefix("trial_")
            for path in folder.glob("s/trial_*/trial.json")
            if '"COMPLETED"' in path.read_text()
        ]
        second = make(folder)
        second.search(verbose=0)
        assert table(folder) == expected
        assert not {*finished} & {*second.runs}
        assert len(runs) + len(second.runs) <= len(whole.runs) + 1
    assert kill_at > least_writes


def test_a_kill_at_any_write_changes_nothing(tmp_path, monkeypatch) -> None:
    search_killed_at_any_write(tmp_path, monkeypatch, Stub, 50)


def test_a_search_killed_before_the_proposers_goes_on_as_it_would_have(tmp_path):
    """The files are of the version that had no proposers, and so is the table."""
    file = Path(__file__).parent / "killed_search.json"
    before = json.loads(file.read_text(encoding="utf-8"))
    for name, content in before["files"].items():
        path = tmp_path / "s" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    digits = gtn_tf.data.load("digits")
    train = digits.train_images, digits.train_labels
    validation = digits.validation_images, digits.validation_labels

    def search(folder: Path) -> list[str]:
        space = NASBench201Space((8, 8, 1), 10, 1, 2, scored_as="evaluation")
        runs: list[str] = []

        class Watched(GTNTuner):
            def on_trial_begin(self, trial) -> None:
                super().on_trial_begin(trial)
                runs.append(trial.trial_id)

        settings = {"candidates": 5, "top_k": 0, "scorer": "params"}
        tuner = Watched(space, directory=folder, project_name="s", **settings)
        tuner.search(*train, validation_data=validation, verbose=0)
        assert without_seconds(table(folder)) == before["results"]
        return runs

    assert search(tmp_path) == ["0003", "0004"]
    assert search(tmp_path) == []
    assert len(search(tmp_path / "new")) == 5


def test_more_candidates_are_accepted_on_resume(tmp_path) -> None:
    Stub(tmp_path, candidates=3, top_k=1).search(verbose=0)
    tuner = Stub(tmp_path, candidates=5, top_k=1)
    tuner.search(verbose=0)
    assert len(tuner.oracle.scored_trials()) == 5
    assert len(tuner.runs) in (2, 3)  # a new best one is trained, too


WORKER = """
import sys, time
sys.path.insert(0, {tests!r})
import test_search as t

class Slow(t.Weights):
    def __call__(self, build, data, seed):
        size = super().__call__(build, data, seed)
        with open({log!r}, "a") as log:
            log.write(f"{{size}}\\n")
        time.sleep(0.5)
        return size

tuner = t.GTNTuner(t.build, candidates=8, top_k=2, scorer=Slow(), directory={folder!r},
    project_name="s")
tuner.search(t.X, t.Y, validation_data=(t.X, t.Y), epochs=1, verbose=0)
"""


@pytest.mark.slow
def test_chief_and_workers_survive_kills(tmp_path) -> None:
    def start(name: str) -> subprocess.Popen:
        settings = {
            "KERASTUNER_TUNER_ID": name,
            "KERASTUNER_ORACLE_IP": "127.0.0.1",
            "KERASTUNER_ORACLE_PORT": str(port),
        }
        script = WORKER.format(
            tests=str(Path(__file__).parent), log=str(log), folder=str(tmp_path)
        )
        return subprocess.Popen(
            [sys.executable, "-c", script],
            env={**os.environ, **settings},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait(condition, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "the search does not go on"
            time.sleep(0.1)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path / "log"
    log.touch()
    processes = {name: start(name) for name in ("chief", "worker-0", "worker-1")}
    try:
        wait(lambda: len(log.read_text().splitlines()) >= 2)
        processes["worker-0"].send_signal(signal.SIGKILL)
        processes["worker-0"].wait()
        wait(lambda: len(log.read_text().splitlines()) >= 4)
        processes["chief"].send_signal(signal.SIGKILL)
        processes["chief"].wait()
        processes["chief"], processes["worker-0"] = start("chief"), start("worker-0")
        results = tmp_path / "s" / "results.csv"
        wait(lambda: sum(bool(row["val_accuracy"]) for row in table(tmp_path)) == 2)
        assert results.exists()
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
    alone = GTNTuner(
        build,
        candidates=8,
        top_k=2,
        scorer=Weights(),
        directory=tmp_path / "alone",
        project_name="s",
    )
    alone.search(X, Y, validation_data=(X, Y), epochs=1, verbose=0)
    assert without_seconds(table(tmp_path)) == without_seconds(
        table(tmp_path / "alone")
    )
    # One scoring was killed with its worker, and one may have been done twice when
    # the chief came back; every other candidate was scored once.
    scored = log.read_text().splitlines()
    assert len(scored) <= 8 + 3


def test_correlations_of_known_rankings() -> None:
    truth = np.arange(40.0)
    same = correlations(truth, truth)
    assert same["all"] == {
        "n": 40,
        "spearman": pytest.approx(1),
        "low": pytest.approx(1),
        "high": pytest.approx(1),
        "kendall": pytest.approx(1),
    }
    # Right about who is in the top half, and upside down within it.
    score = np.concatenate([truth[:20], 40 - truth[:20]])
    found = correlations(score, truth)
    assert found["top half"]["n"] == 20
    assert found["top half"]["spearman"] == pytest.approx(-1)
    assert found["top tenth"]["n"] == 4
    assert found["all"]["low"] < found["all"]["spearman"] < found["all"]["high"]
    score[0], before = math.nan, found["all"]["spearman"]  # it failed, and is last
    assert correlations(score, truth)["all"]["spearman"] == pytest.approx(before)
    assert correlations([1, 1, 1, 1], [1, 2, 3, 4])["all"]["spearman"] is None


def test_the_best_half_is_by_the_truth() -> None:
    truth = np.arange(40.0)
    score = np.concatenate([[50], truth[1:]])  # takes the worst for the best
    found = correlations(score, truth)
    assert found["top half"]["spearman"] < 0.9
    assert found["best half"]["n"] == 20
    assert found["best half"]["spearman"] == pytest.approx(1)


def test_seconds_to_reach_a_correlation() -> None:
    points = [(30.0, 0.6), (10.0, 0.4), (300.0, 1.0)]
    assert seconds_to_reach(0.5, points) == pytest.approx(20)
    assert seconds_to_reach(0.3, points) == 10  # the shortest is enough
    assert seconds_to_reach(0.9, points[:2]) is None


def test_cost_is_the_papers() -> None:
    # Eight hours of the teacher and 800 candidates of 36 seconds.
    assert search_cost(8 * 3600, 800, 36)["days"] == pytest.approx(0.67, abs=0.01)


def test_no_candidate_is_drawn_when_the_time_is_over(tmp_path) -> None:
    tuner = Stub(tmp_path, candidates=9, top_k=2, seconds=3.5)
    tuner.search(verbose=0)
    assert len(tuner.oracle.scored_trials()) == 4  # of one second each
    assert len(tuner.oracle.trained_trials()) == 2
    with pytest.raises(ValueError, match="above 0, received 0"):
        Stub(tmp_path, seconds=0)
