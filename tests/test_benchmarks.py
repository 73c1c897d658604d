"""The benchmark without its peers: its problem, and what it makes of given times."""

from __future__ import annotations

import doctest
import json
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture(autouse=True)
def scripts(monkeypatch):
    """Lets the benchmark's scripts be imported, as they import each other."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if Path(file).parent == BENCHMARKS:
            del sys.modules[name]


@pytest.fixture
def tiny():
    """A problem of seconds."""
    import problem

    size = problem.Size(8, 2, 5, (3, 4), 6, 7, 2, 9)
    return problem.make_problem(size)


def test_problem_fits_the_variables(tiny):
    import run_gtn_tf

    gtn = run_gtn_tf.make_gtn(tiny)
    assert len(gtn.trainable_variables) == len(tiny.meta)
    for variable, (name, array) in zip(gtn.trainable_variables, tiny.meta.items()):
        last = variable.name.split("/")[-1].split(":")[0]
        assert name.split("/")[-1] == {"kernel": "v"}.get(last, last)
        np.testing.assert_array_equal(variable, array)
    shapes = [tuple(variable.shape) for variable in gtn.pool[0].trainable]
    assert shapes == [array.shape for array in tiny.learner.values()]
    np.testing.assert_array_equal(gtn.teacher.even_labels(), tiny.labels)


@pytest.mark.parametrize("name", ["gtn_tf", "first_order_limit"])
def test_jobs_compute_every_part(tiny, name):
    import run_gtn_tf
    import worker

    job = run_gtn_tf.build(name, tiny)
    result = worker.measure(job, repeats=2)  # raises where a part is zero
    assert len(result["seconds"]) == 2 and min(result["seconds"]) > 0
    assert result["peak_bytes"] > 2**20
    found = job.gradients(job.iterate())
    shared = [key for key in tiny.meta if key in found]
    assert len(shared) == len(tiny.meta) - (0 if name == "gtn_tf" else 2)
    assert all(found[key].shape == tiny.meta[key].shape for key in shared)


def line(implementation: str, steps: int, seconds: list[float], peak: int) -> dict:
    """What a worker prints."""
    return {
        "implementation": implementation,
        "size": "sweep",
        "steps": steps,
        "seconds": seconds,
        "first_seconds": 9.0,
        "peak_bytes": peak,
    }


def sweep_lines() -> list[dict]:
    """Of three implementations, one of which runs out of memory."""
    return [
        line("gtn_tf", 8, [1.0, 3.0], 10**9),
        line("torch", 8, [4.0], 2 * 10**9),
        line("torch_checkpoint", 8, [3.0], 10**9),
        line("gtn_tf", 8, [2.0], 10**9 + 1),
        line("first_order_limit", 8, [1.0], 10**9),
        line("gtn_tf", 16, [4.0], 10**9 + 2),
        {"implementation": "torch", "size": "sweep", "steps": 16, "killed": True},
    ]


def test_rows_and_ratios():
    import rows

    made = rows.make_rows(sweep_lines())
    assert len(made) == 5
    assert made[0] == {
        "implementation": "gtn_tf",
        "size": "sweep",
        "steps": 8,
        "seconds_median": 2.0,
        "seconds_min": 1.0,
        "seconds_std": 1.0,
        "peak_bytes": 10**9 + 1,
        "first_seconds": 9.0,
    }
    fastest, checkpoint, limit, memory = rows.ratios(made, 8)
    assert fastest.other.startswith("torch_checkpoint")
    assert fastest.value == checkpoint.value == pytest.approx(2 / 3)
    assert limit.value == 2.0 and memory.value == pytest.approx(0.5)
    assert rows.ratios(made, 16) == []


@pytest.mark.parametrize("steps", [[8], [8, 16]])
def test_report(tmp_path, steps):
    import agreement
    import report
    import rows

    made = rows.make_rows(one for one in sweep_lines() if one["steps"] in steps)
    context = report.Context(
        "make bench SIZE=sweep",
        {"CPU": "abacus"},
        {"torch": "1.2.3"},
        {"torch": agreement.Difference(1e-9, "latents", 3)},
        [("torch", 16)],
        {8: "keep"},
    )
    report.write(tmp_path, "sweep", made, context)
    assert json.loads((tmp_path / "sweep.json").read_text()) == made
    text = (tmp_path / "sweep.md").read_text()
    assert "| 8 | torch | 4.000 |" in text and "**0.67**" in text
    assert "abacus" in text and "torch 1.2.3" in text and "1.0e-09" in text
    assert "torch at 16 steps" in text and "keep at 8 steps" in text
    for name in ("sweep_time.png", "sweep_memory.png"):
        assert matplotlib.image.imread(tmp_path / name).std() > 0
        (tmp_path / name).unlink()
    report.draw(tmp_path, "sweep")  # from the rows alone
    assert (tmp_path / "sweep_memory.png").exists()


def test_agreement():
    import agreement

    assert doctest.testmod(agreement).failed == 0
    right = {"a": np.array([1.0, 2.0]), "b": np.array([3.0])}
    assert agreement.agrees(agreement.compare({"a": right["a"] * (1 + 1e-5)}, right))
    wrong = [
        {"a": right["a"] * 1.001},
        {"a": right["a"], "b": np.array([np.nan])},
        {"c": right["a"]},
        {},
    ]
    for gradients in wrong:
        assert not agreement.agrees(agreement.compare(gradients, right))


def test_unfinished_benchmark_goes_on(tmp_path):
    import store

    first = store.Store("digits", Path("python"), tmp_path)
    first.add({"implementation": "torch"})
    first.add({"implementation": "higher"})
    again = store.Store("digits", Path("python"), tmp_path)
    assert [one["implementation"] for one in again.lines()] == ["torch", "higher"]
    again.remove()
    assert not any(tmp_path.iterdir())


def test_plan_alternates_and_spares_the_slow():
    import plan

    names = ["gtn_tf", "torch", "jax_remat"]
    small = list(plan.plan("small", names, rounds=3))
    assert [one.implementation for one in small[:4]] == [*names, "gtn_tf"]
    assert sum(one.implementation == "jax_remat" for one in small) == 1
    assert {one.steps for one in plan.plan("sweep", names)} == {8, 16, 32, 64, 128}


def test_kills_compare_all_but_times(tmp_path):
    import kills
    import tensorflow as tf

    def run(name: str, value: float = 1.0, seconds: float = 1.0) -> Path:
        folder = tmp_path / name
        (folder / "checkpoints").mkdir(parents=True)
        seen = tf.train.Checkpoint(
            w=tf.Variable([value, float("nan")]),
            run=tf.Variable("id"),
            seconds=tf.Variable(seconds),
        )
        seen.write(str(folder / "checkpoints" / "epoch-1"))
        (folder / "metrics.csv").write_text(
            f"epoch,loss,seconds\n0,{value},{seconds}\n"
        )
        (folder / "summary.json").write_text(json.dumps({"seconds": seconds}))
        return folder

    expected = kills.content(run("whole"))
    assert kills.compare(run("same", seconds=2.0), expected) == []
    different = ["checkpoints/epoch-1.index", "metrics.csv"]
    assert kills.compare(run("other", value=2.0), expected) == different
    left = run("left")
    (left / "checkpoints" / "epoch-2_temp").mkdir()
    (left / ".lock").touch()
    (left / ".summary.json").touch()
    found = kills.compare(left, expected)
    assert found == ["checkpoints/epoch-2_temp", ".summary.json"]
    assert kills.newest(left) == ".summary.json"


def test_a_process_is_killed_at_its_moment(tmp_path, monkeypatch):
    import kills

    script = "import time, sys; print(sys.argv); time.sleep(60)"
    monkeypatch.setattr(kills, "_COMMAND", (sys.executable, "-c", script))
    assert kills.start("train", tmp_path, 0.5) == "killed"
    monkeypatch.setattr(kills, "_COMMAND", (sys.executable, "-c", "pass"))
    assert kills.start("train", tmp_path, None) is None
    monkeypatch.setattr(kills, "_COMMAND", (sys.executable, "-c", "exit('no')"))
    assert kills.start("train", tmp_path, None) == "no"
