"""Tables of scores: what is missing is scored, and scores of other making never mix."""

from __future__ import annotations

import json
import math
import re
import threading
import time

import numpy as np
import pytest

from gtn_tf import runs
from gtn_tf.runs.score_table import ScoreTable, add_scores
from gtn_tf.search import (
    NASBench201Space,
    Scorer,
    ScoringData,
    SearchError,
    make_scorer,
)
from gtn_tf.search.identity import identity, settings_of
from gtn_tf.search.scorers.traced_training import TracedTraining
from tiny_teacher import make_teacher

SPACE = NASBench201Space((4, 4, 1), 3, cells=0, filters=1)
rng = np.random.default_rng(0)
GENOTYPES = list({str(g): g for g in (SPACE.sample(rng) for _ in range(4))}.values())
IMAGES = rng.normal(size=[6, 4, 4, 1]).astype(np.float32)
DATA = ScoringData(None, (IMAGES, np.arange(6) % 3))


class Count(Scorer):
    """Counts operations; it fails on some cells."""

    def __init__(self, name: str, op: str = "conv", fails_on: str = "") -> None:
        self.name, self.op = name, op
        self._fails_on, self._scored = fails_on, []

    def __call__(self, candidate, data, seed) -> float:
        text = str(candidate.genotype)
        self._scored.append(text)
        if text == self._fails_on:
            raise RuntimeError("out of luck")
        return float(text.count(self.op))


def fill(
    rows,
    scorers,
    file,
    genotypes=GENOTYPES,
    space=SPACE,
    data=DATA,
    seed=0,
    workers=1,
):
    saved: list[dict] = []

    def save() -> None:
        saved.append({name: dict(row) for name, row in rows.items()})

    lines: list[str] = []
    add_scores(
        rows, genotypes, space, scorers, data, file, save, seed, lines.append, workers
    )
    return saved, lines


def test_what_is_missing_is_scored_and_saved_at_once(tmp_path) -> None:
    rows: dict = {}
    convs, pools = Count("convs"), Count("pools", "pool", str(GENOTYPES[1]))
    file = tmp_path / "new" / "table.csv"
    saved, lines = fill(rows, [convs], file, GENOTYPES[:2])
    assert [len(table) for table in saved] == [1, 2]
    assert lines[-1].startswith("2/2  convs ")
    assert re.search(r"  \d+ candidates/min, 0 s left$", lines[-1])
    saved, lines = fill(rows, [convs, pools], file)
    names = [str(g) for g in GENOTYPES]
    assert convs._scored == names and pools._scored == names
    assert math.isnan(rows[names[1]]["pools"]) and "out of luck" in lines[1]
    assert lines[2].startswith("2/4  pools failed")
    assert all(row["convs"] == n.count("conv") for n, row in rows.items())
    assert all(row["seconds_pools"] >= 0 for row in rows.values())
    assert fill(rows, [convs, pools], file) == ([], [])  # not even what failed


class Together(Count):
    """Builds no network; counts how many score at the same time."""

    def __init__(self, builds: bool = False, fails_on: str = "") -> None:
        super().__init__("together", fails_on=fails_on)
        self._builds, self._running, self._most = builds, [], []

    def builds(self, candidate, data) -> bool:
        return self._builds

    def __call__(self, candidate, data, seed) -> float:
        self._running.append(threading.current_thread())
        until = time.monotonic() + 0.05
        while time.monotonic() < until:
            self._most.append(len(self._running))
            time.sleep(0.001)
        self._running.remove(threading.current_thread())
        return super().__call__(candidate, data, seed)


@pytest.mark.parametrize("name", ["real", pytest.param("gtn", marks=pytest.mark.slow)])
def test_scores_are_the_same_however_many_are_scored_at_the_same_time(
    tmp_path, monkeypatch, name
):
    traced, trace = [], TracedTraining._train
    monkeypatch.setattr(
        TracedTraining, "_train", lambda *given: traced.append(1) or trace(*given)
    )
    space = NASBench201Space((4, 4, 1), 3, cells=1, filters=1)
    data = ScoringData((IMAGES, np.arange(6) % 3), DATA.validation, batch_size=2)
    tables: list = []
    for workers in (1, 2):
        scorer = make_scorer(name, make_teacher(), steps=2, images=6)
        rows: dict = {}
        file = tmp_path / f"{workers}.csv"
        fill(rows, [scorer], file, space=space, data=data, workers=workers)
        tables.append([[row[n] for n in scorer.names] for row in rows.values()])
        assert len(traced) == workers  # once for all candidates
    assert tables[0] == tables[1] and len(tables[0]) == len(GENOTYPES)
    assert len({speed for _, speed in tables[0]}) == len(GENOTYPES)


def test_what_builds_networks_scores_one_at_a_time(tmp_path):
    for builds, most in ((False, 2), (True, 1)):
        together = Together(builds)
        fill({}, [together], tmp_path / f"{builds}.csv", workers=2)
        assert max(together._most) == most
        assert sorted(together._scored) == sorted(map(str, GENOTYPES))
    # One scorer that builds is enough.
    together = Together()
    fill({}, [together, Count("builds")], tmp_path / "both.csv", workers=2)
    assert max(together._most) == 1


def test_beside_others_too_one_that_fails_does_not_end_them(tmp_path):
    rows: dict = {}
    together = Together(fails_on=str(GENOTYPES[1]))
    saved, lines = fill(rows, [together], tmp_path / "t.csv", workers=2)
    names = [str(g) for g in GENOTYPES]
    assert [*rows] == names == [*saved[-1]]
    assert [math.isnan(rows[n]["together"]) for n in names] == [
        n == 1 for n in range(4)
    ]
    assert "out of luck" in lines[1] and lines[2].startswith("2/4  together failed")


def test_an_open_table_keeps_its_scorers_prepared(tmp_path):
    calls: list[str] = []

    class Prepared(Count):
        def prepare(self, data, seed) -> None:
            calls.append(f"prepare {seed}")

        def close(self) -> None:
            calls.append("close")

    count, rows, saved = Prepared("a"), {}, []
    given = SPACE, [count], DATA, tmp_path / "t.csv", lambda: saved.append([*rows])
    names = [str(g) for g in GENOTYPES]
    with ScoreTable(rows, *given, seed=3, report=lambda line: None) as table:
        assert not calls  # nothing was asked for
        for genotype in [*GENOTYPES[:2], GENOTYPES[0]]:
            table.add([genotype])
        assert calls == ["prepare 3"] and count._scored == names[:2] == [*rows]
        table.add(GENOTYPES)
    assert calls == ["prepare 3", "close"] and count._scored == names
    assert saved[-1] == names


@pytest.mark.parametrize("where", ["save", "report"])
def test_when_it_stops_what_is_scored_stays_and_nothing_more_begins(tmp_path, where):
    genotypes = [SPACE.sample(rng) for _ in range(40)]
    rows: dict = {}
    together, lines, saved = Together(), [], []

    def save() -> None:
        if where == "save" and len(rows) > 2:
            raise OSError("disk full")
        saved.append([*rows])

    def report(line: str) -> None:
        lines.append(line)
        if len(lines) == 3:
            raise KeyboardInterrupt

    given = genotypes, SPACE, [together], DATA, tmp_path / "table.csv", save
    with pytest.raises((OSError, KeyboardInterrupt)):
        add_scores(rows, *given, report=report, workers=2)
    assert not together._running and 3 <= len(together._scored) < 20
    assert [*rows] == [str(g) for g in genotypes[: len(rows)]] and len(rows) > 2
    assert all(math.isfinite(row["together"]) for row in rows.values())
    assert saved[-1] == ([*rows] if where == "report" else [*rows][: len(saved[-1])])
    begun = len(together._scored)
    time.sleep(0.06)
    assert len(together._scored) == begun


def test_scores_of_other_making_are_not_added(tmp_path) -> None:
    rows: dict = {}
    file = tmp_path / "table.csv"
    fill(rows, [Count("a")], file)
    fill(rows, [Count("b", "pool")], file, data=ScoringData(DATA.validation, None, 8))
    wider = NASBench201Space((4, 4, 1), 3, cells=0, filters=2)
    for changed, message in (
        ({"scorers": [Count("a", "skip")]}, 'a.op: "conv" != "skip"'),
        ({"scorers": [Count("b", "pool")]}, "training data: .*batch_size: 8 != 32"),
        ({"space": wider}, "filters: 1 != 2"),
        ({"seed": 1}, "seed: 0 != 1"),
        ({"data": ScoringData(None, (IMAGES + 1, DATA.validation[1]))}, "validation"),
    ):
        with pytest.raises(SearchError, match=f"{message}.*choose another --out"):
            fill(rows, **{"scorers": [Count("a")], "file": file, **changed})
    assert {*json.loads((tmp_path / "table.made_by.json").read_text())} == {"a", "b"}


def test_a_record_of_before_holds_for_all_scorers(tmp_path) -> None:
    scorers = [Count("a"), Count("b")]
    record = identity(scorers, [], settings_of(SPACE), DATA, 0)
    beside = tmp_path / "table.made_by.json"
    beside.write_text(json.dumps(record))
    rows = {str(GENOTYPES[0]): {"genotype": str(GENOTYPES[0]), "a": 1.0, "b": 2.0}}
    fill(rows, scorers, tmp_path / "table.csv")
    assert {*json.loads(beside.read_text())} == {"a", "b"}
    beside.write_text(json.dumps({**record, "a.op": '"skip"'}))
    with pytest.raises(SearchError, match='a.op: "skip" != "conv"'):
        fill(rows, scorers, tmp_path / "table.csv")
    beside.write_text("[3]")
    with pytest.raises(runs.RunError, match="made_by.json: damaged"):
        fill(rows, scorers, tmp_path / "table.csv")


def test_several_scores_rank_by_the_sum_of_their_ranks(tmp_path) -> None:
    failing = Count("b", "pool", str(GENOTYPES[2]))
    out = tmp_path / "ranks.csv"
    lines: list[str] = []
    scorers = [Count("a"), failing]
    rows = runs.rank(GENOTYPES, SPACE, scorers, DATA, out, report=lines.append)
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4"]
    header, *written = out.read_text().splitlines()
    assert header == "genotype,params,flops,a,b,rank,seconds"
    assert rows[-1]["genotype"] == str(GENOTYPES[2]) and rows[-1]["b"] == ""
    scores = np.array([[float(row["a"]), float(row["b"] or -1)] for row in rows])
    beaten_by = (scores[:, None] < scores).sum((1, 2)) * 2
    equal_to = (scores[:, None] == scores).sum((1, 2))
    assert (np.diff((beaten_by + equal_to)[:-1]) >= 0).all()
    failing._scored.clear()
    runs.rank(GENOTYPES, SPACE, scorers, DATA, out, report=lines.append)
    assert failing._scored == [str(GENOTYPES[2])]  # the one that failed, again
    assert out.read_text().splitlines()[1:-1] == written[:-1]
    with pytest.raises(runs.RunError, match="expected a new file, or one with the"):
        runs.rank(GENOTYPES, SPACE, scorers[:1], DATA, out, report=lines.append)
