"""The benchmark of ranking speed, at a tiny size."""

from __future__ import annotations

import csv
import doctest
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from conftest import expect_drawn

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
PEERS = ROOT / ".venv-peers" / "bin" / "python"


pytestmark = [pytest.mark.usefixtures("benchmark_modules"), pytest.mark.slow]


def line(contender: str, part: str, **found: object) -> dict:
    """What is kept of a worker."""
    return {"contender": contender, "part": part, "space": "nao", **found}


META = {"first_seconds": 9.0, "fresh": [3.0], "fixed": [2.0], "resident": 10**9}


def _ways(threads: float, processes: float) -> dict[str, float]:
    return {"threads": threads, "processes": processes}


def some_lines() -> list[dict]:
    """Of three contenders; torch has two processes."""
    stack = {"versions": {"Python": "3.9.1"}}
    each = "gtn_tf, a Keras network each"
    speed = {"first_seconds": 9.0, "scores": [0.5, 0.25, 1.0], **stack}
    return [
        line("gtn_tf", "speed", seconds=[1.0, 3.0], **speed),
        line(each, "speed", seconds=[8.0, 8.0], **{**speed, "scores": [0.5, 0.5, 1.0]}),
        line("torch eager", "speed", seconds=[8.0, 4.0], **speed),
        line("torch eager", "speed", seconds=[6.0, 6.0], **speed),
        line("torch eager, channels last", "speed", seconds=[9.0], **speed),
        line("gtn_tf", "together", seconds={"threads": 2.0}, candidates=4),
        line("torch eager", "together", seconds=_ways(9.0, 6.0), candidates=4),
        line("torch eager", "together", seconds=_ways(9.0, 10.0), candidates=4),
        line("gtn_tf", "sizes", seconds=[0.1, 0.3]),
        line("gtn_tf", "steps", scoring=[3.0, 2.0, 8.0], alone=[2.0, 2.0, 2.0]),
        line("gtn_tf", "meta", **META),
        line("gtn_tf", "memory", resident=[[1, 10**9], [40, 2 * 10**9]]),
    ]


@pytest.mark.parametrize("name", ["padding", "problem"])
def test_examples(name):
    found = doctest.testmod(importlib.import_module(f"ranking.{name}"))
    assert found.attempted and not found.failed


def test_cells_are_of_the_spaces():
    from ranking import problem, run_gtn_tf

    setting = problem.SETTINGS["full"]
    for name in problem.SPACES:
        space = run_gtn_tf.make_space(name, setting)
        drawn = problem.draw_cells(name, 200)
        assert [space.text(space.parse(text)) for text in drawn] == drawn
        assert drawn[:5] == problem.draw_cells(name, 5)
        values = [space.values(space.parse(text)) for text in drawn]
        ops = {op for one in values for op in one.values() if isinstance(op, str)}
        assert len(ops) == {"nas_bench_201": 5, "nao": 11}[name]


def test_data_can_be_learned():
    from ranking import problem

    data = problem.make_data(problem.SETTINGS["full"])
    assert data.train_images.shape == (2048, 16, 16, 3)
    assert data.validation_images.shape == (2000, 16, 16, 3)
    means = np.stack(
        [data.train_images[data.train_labels == k].mean(axis=0) for k in range(10)]
    )
    away = ((data.validation_images[:50, None] - means) ** 2).sum(axis=(2, 3, 4))
    assert (away.argmin(axis=1) == data.validation_labels[:50]).mean() > 0.9
    np.testing.assert_array_equal(
        data.train_images[:3],
        problem.make_data(problem.SETTINGS["full"]).train_images[:3],
    )


@pytest.mark.parametrize("name", ["gtn_tf", "gtn_tf_network_each"])
def test_gtn_tf_scores(name):
    from ranking import problem, run_gtn_tf, worker

    setting = problem.SETTINGS["quick"]
    cells = problem.draw_cells("nas_bench_201", 2)
    with run_gtn_tf.ranker(name, "nas_bench_201", setting, 2, 8) as ranker:
        seconds, scores = worker.timed(ranker.score, cells)
    assert len(seconds) == 2 and min(seconds) > 0
    assert all(score * 8 == int(score * 8) for score in scores)  # of eight images


def test_a_candidate_has_its_genotype_where_it_should():
    """A scorer sees it, and with a Keras network each it does not."""
    from gtn_tf.search import Scorer
    from ranking import problem, run_gtn_tf

    class HasGenotype(Scorer):
        name = "has"

        def __call__(self, candidate, data, seed):
            return candidate.genotype is not None

    setting = problem.SETTINGS["quick"]
    (text,) = problem.draw_cells("nao", 1)
    for name, expected in (("gtn_tf", 1), ("gtn_tf_network_each", 0)):
        with run_gtn_tf.scoring(name, "nao", setting, [HasGenotype()]) as run:
            assert run(text) == {"has": expected}


@pytest.mark.slow
def test_steps_are_timed_beside_a_traced_network(monkeypatch):
    from ranking import problem, running_time

    asked = []
    monkeypatch.setattr(
        running_time,
        "traced",
        lambda space, text: lambda batches: asked.append(int(batches.cardinality())),
    )
    setting = problem.SETTINGS["quick"]
    found = running_time.seconds("gtn_tf", "nas_bench_201", setting)
    assert {name: len(one) for name, one in found.items()} == {"scoring": 1, "alone": 1}
    assert asked == [1, setting.steps, 2 * setting.steps]


@pytest.mark.slow
def test_meta_gradients_are_timed_beside_those_of_fixed_cells():
    from ranking import meta_iteration, problem

    setting = problem.SETTINGS["quick"]._replace(cells=0)
    found = meta_iteration.seconds("nas_bench_201", setting, lambda: 7)
    assert len(found["fresh"]) == len(found["fixed"]) == setting.long_candidates
    assert 0 < max(found["fresh"]) < found["first_seconds"]
    assert found["resident"] == 7


def test_weights_are_in_the_order_of_the_layers():
    from ranking import weights_gtn_tf

    layers = tf.keras.layers
    inputs = layers.Input([8, 8, 3])
    x = inputs
    for filters in range(1, 13):  # conv2d_10 comes behind conv2d_9
        x = layers.BatchNormalization()(layers.Conv2D(filters, 1, use_bias=False)(x))
    model = tf.keras.Model(inputs, layers.Dense(10)(layers.Flatten()(x)))
    weights_gtn_tf.draw_norms(model)
    found = dict(weights_gtn_tf.weights(model))
    assert [found[f"conv_{i}"].shape[-1] for i in range(12)] == [*range(1, 13)]
    assert [found[f"norm_{i}"].shape for i in range(12)] == [
        (4, filters) for filters in range(1, 13)
    ]
    assert found["dense_kernel"].shape == (768, 10)
    assert (found["norm_11"][3] > 0).all() and np.std(found["norm_11"][0]) > 0


def test_agreement():
    from ranking import agreement

    ours = {"nao/0/params": np.array(7), "nao/0/logits": np.array([[1.0, 2.0]])}
    assert agreement.check({**ours, "nao/0/logits": np.array([[1.0, 2.0]])}, ours) == (
        0,
        "nao/0/logits",
        1,
    )
    with pytest.raises(agreement.Disagreement, match="expected gtn_tf's 7, received 8"):
        agreement.check({**ours, "nao/0/params": np.array(8)}, ours)
    with pytest.raises(agreement.Disagreement, match="differs from gtn_tf's by"):
        agreement.check({**ours, "nao/0/logits": np.array([[1.0, 2.1]])}, ours)


@pytest.mark.skipif(not PEERS.exists(), reason="the peers are not installed")
def test_torch_has_the_same_networks(tmp_path):
    from ranking import agreement, problem, weights_gtn_tf

    setting = problem.SETTINGS["quick"]._replace(candidates=1)
    ours = weights_gtn_tf.arrays(setting)
    np.savez(tmp_path / "ours.npz", **ours)
    files = ["--ours", tmp_path / "ours.npz", "--save", tmp_path / "theirs.npz"]
    words = ["torch", "agreement", "nao", "quick", "--candidates", "1", *files]
    run_torch(words)
    with np.load(tmp_path / "theirs.npz") as theirs:
        found = agreement.check(dict(theirs), ours)
    assert found.compared == 4 and found.relative < 1e-5


def test_gtn_tf_scores_two_at_a_time():
    from ranking import problem, run_gtn_tf

    cells = problem.draw_cells("nas_bench_201", 3)
    asked = "gtn_tf", "nas_bench_201", problem.SETTINGS["quick"], cells[0], cells[1:]
    assert run_gtn_tf.together(*asked)["threads"] > 0


@pytest.mark.skipif(not PEERS.exists(), reason="the peers are not installed")
def test_torch_scores_two_at_a_time():
    found = run_torch(["torch", "together", "nas_bench_201", "quick"])
    assert {*found["seconds"]} == {"threads", "processes"} and found["candidates"] == 4
    assert min(found["seconds"].values()) > 0


@pytest.mark.skipif(not PEERS.exists(), reason="the peers are not installed")
@pytest.mark.parametrize("name", ["torch", "torch_channels_last"])
def test_torch_scores(name):
    found = run_torch([name, "speed", "nao", "quick"])
    assert len(found["seconds"]) == 2 and min(found["seconds"]) > 0
    assert len(found["scores"]) == 3 and "torch" in found["versions"]


def run_torch(words: list) -> dict:
    """What a worker in PyTorch prints."""
    import processes

    return processes.run_process([PEERS, "-m", "ranking.worker", *words], "torch")


def test_rows():
    from ranking import rows

    ours, each, torch, _ = rows.speed_rows(some_lines())
    assert ours == {
        "space": "nao",
        "contender": "gtn_tf",
        "candidates": 2,
        "first_seconds": 9.0,
        "seconds_median": 2.0,
        "seconds_min": 1.0,
        "seconds_max": 3.0,
        "candidates_per_minute": 30.0,
        "accuracy_mean": 0.5833,
        "together": "threads",
        "together_seconds": 0.5,
        "together_per_minute": 120.0,
        "sizes_seconds_median": 0.2,
        "steps_seconds_median": 3.0,
        "steps_alone_seconds_median": 2.0,
        "steps_ratio_median": 1.5,
        "meta_first_seconds": 9.0,
        "meta_fresh_seconds_median": 3.0,
        "meta_fixed_seconds_median": 2.0,
        "meta_ratio_median": 1.5,
        "meta_resident_bytes": 10**9,
    }
    assert torch["candidates"] == 4 and torch["candidates_per_minute"] == 10.0
    assert rows.times_faster([ours, each, torch], "nao") == {
        "gtn_tf, a Keras network each": 4.0,
        "torch eager": 3.0,
    }
    assert torch["together"] == "processes" and torch["together_seconds"] == 2.0
    together = rows.times_faster([ours, each, torch], "nao", "together_per_minute")
    assert together == {"torch eager": 4.0}
    assert rows.times_faster([each, torch], "nao") == {}
    assert rows.largest_difference(some_lines()) == 0.25
    assert rows.largest_difference(some_lines()[2:]) is None
    assert rows.memory_rows(some_lines())[1] == {
        "contender": "gtn_tf",
        "candidates": 40,
        "resident_bytes": 2 * 10**9,
    }


def test_whole_benchmark_of_given_times(tmp_path, monkeypatch):
    """Every process once, in its order, and what is written of them."""
    from ranking import command, measuring
    from store import Store

    started = []

    def run_process(words, what):
        name, part, space, setting, *rest = map(str, words[3:])
        started.append((name, part, space, *rest[:2]))
        if part == "agreement":
            arrays = {"nao/0/params": np.array(7), "nao/0/logits": np.ones([2, 10])}
            np.savez(rest[rest.index("--save") + 1], **arrays)
            return {}
        versions = {"Python": "3.9.1"}
        count = int(rest[1]) if rest else 0
        return {
            "speed": {
                "seconds": [2.0 if name == "gtn_tf" else 3.0],
                "first_seconds": 1.0,
                "scores": [0.5, 0.5],
                "versions": versions,
            },
            "together": {"seconds": {"threads": 6.0}, "candidates": 4},
            "sizes": {"seconds": [0.5]},
            "steps": {"scoring": [3.0], "alone": [2.0]},
            "meta": META,
            "memory": {"resident": [[1, 10**8], [count, 2 * 10**8]]},
        }[part]

    monkeypatch.setattr(measuring, "run_process", run_process)
    monkeypatch.setattr(
        command, "Store", lambda name, pythons: Store(name, pythons, tmp_path / "store")
    )
    results = tmp_path / "results"
    asked = ["--quick", "--memory", "8", "--results", str(results)]
    command.main(asked)
    names = ("gtn_tf", "gtn_tf_network_each", "torch", "torch_channels_last")
    assert started[:2] == [
        (name, "agreement", "nas_bench_201", "--candidates", "2")
        for name in ("gtn_tf", "torch")
    ]
    speed = [one[:3] for one in started if one[1] == "speed"]
    assert speed == [
        (name, "speed", space) for space in ("nas_bench_201", "nao") for name in names
    ]
    together = [one[0] for one in started if one[1:3] == ("together", "nao")]
    assert together == ["gtn_tf", "torch", "torch_channels_last"]
    memory = [one for one in started if one[1] == "memory"]
    assert [one[-1] for one in memory] == ["8", "2", "8", "8"]
    assert len(started) == len(set(started)) == 28

    text = (results / "README.md").read_text()
    assert '`make bench SIZE=ranking ARGS="--memory 8 --quick"`' in text
    for how, ratio in (("one", "1.50"), ("two", "1.00")):
        line = f"- NAS-Bench-201, {how} at a time: gtn_tf's candidates per minute / "
        assert f"{line}those of torch eager: **{ratio}**" in text
    assert "| NAO, 11 operations | gtn_tf | threads | 1.50 | **40.0** |" in text
    assert "**1.50**" in text and "| NAO, 11 operations | torch eager | 1 |" in text
    assert "| NAO, 11 operations | 9 | 3.00 | 2.00 | 1.50 | 1.00 |" in text
    facts = json.loads((results / "facts.json").read_text())
    assert (
        facts["setting"]["memory_candidates"] == 8 and facts["logits_difference"] == 0
    )
    with (results / "speed.csv").open() as file:
        assert len([*csv.DictReader(file)]) == 8
    expect_drawn(results / "ranking.png")
    (results / "ranking.png").unlink()
    command.main(["--plot", "--results", str(results)])  # from the tables alone
    expect_drawn(results / "ranking.png")
    assert not any((tmp_path / "store").iterdir())
    assert (results / "README.md").read_text() == text


def test_memory_over_many_candidates(tmp_path, monkeypatch):
    """Its section joins what is written already, and stays when that is drawn again."""
    from ranking import command, long_memory, problem, report
    from store import Store

    started = []

    def run_process(words, what):
        started.append([*map(str, words[3:])])
        mb = [(1, 100), (40, 200), (50, 210), (60, 189), (90, 231), (100, 220)]
        recorded = [[count, size * 10**6] for count, size in mb]
        return {"resident": recorded, "versions": {"Python": "3.9.1"}}

    monkeypatch.setattr(long_memory, "run_process", run_process)
    monkeypatch.setattr(
        long_memory,
        "Store",
        lambda name, pythons: Store(name, pythons, tmp_path / "store"),
    )
    facts = {
        "command": "make bench",
        "setting": problem.SETTINGS["quick"]._asdict(),
        "machine": {},
        "versions": {},
        "logits_difference": None,
        "score_difference": None,
    }
    speed = [{"space": "nao", "contender": "gtn_tf", "candidates_per_minute": 1.5}]
    memory = [{"contender": "gtn_tf", "candidates": 1, "resident_bytes": 10**8}]
    report.write_results(tmp_path, speed, memory, facts)
    before = (tmp_path / "README.md").read_text()
    asked = ["--long-memory", "100", "--quick", "--results", str(tmp_path)]
    command.main(asked)
    assert started == [
        ["gtn_tf", "memory", space, "quick", "--candidates", "100"]
        for space in ("nas_bench_201", "nao")
    ]
    after = (tmp_path / "README.md").read_text()
    assert '`make bench SIZE=ranking ARGS="--long-memory 100 --quick"`' in after
    assert after != before and "2 steps and 8 images a candidate" in after
    figures = "| 100 after 1 | 210 after 50 | 220 after 100 | 1.100 |"
    assert f"| NAS-Bench-201 {figures}" in after
    assert f"| NAO, 11 operations {figures}" in after
    report.write_results(tmp_path, speed, memory, facts)
    assert (tmp_path / "README.md").read_text() == after


def test_only_known_contenders(capsys):
    from ranking import command

    with pytest.raises(SystemExit):
        command.main(["--only", "abacus"])
    assert "expected some of gtn_tf, gtn_tf_network_each" in capsys.readouterr().err


def test_the_command_finds_it():
    words = [sys.executable, str(BENCHMARKS), "ranking", "--help"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert run.returncode == 0 and "--memory" in run.stdout
