"""The benchmark without its peers: its problem, and what it makes of given times."""

from __future__ import annotations

import doctest
import importlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import ops

from conftest import expect_drawn

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


pytestmark = [pytest.mark.usefixtures("benchmark_modules"), pytest.mark.slow]


@pytest.fixture
def tiny():
    """A problem of seconds."""
    import problem

    size = problem.Size(8, 2, 5, (3, 4), 6, 7, 2, 9)
    return problem.make_problem(size)


@pytest.mark.parametrize("name", ["agreement", "markdown", "operations", "processes"])
def test_examples(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted and not found.failed


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


@pytest.mark.slow
def test_jit_computes_the_same(tiny):
    import run_gtn_tf

    plain, compiled = (
        run_gtn_tf.build("gtn_tf", tiny, unroll="keep", jit=jit)
        for jit in (False, True)
    )
    assert plain.limit is None and compiled.limit == 600
    assert compiled.details == {"unroll": "keep", "compiler": "XLA"}
    expected, found = (job.gradients(job.iterate()) for job in (plain, compiled))
    # Together, and roughly: what precedes a batch norm has next to no gradient but
    # rounding, and in float32 a kink may flip.
    expected, found = (
        np.concatenate([array.ravel() for array in one.values()])
        for one in (expected, found)
    )
    assert np.linalg.norm(found - expected) < 0.01 * np.linalg.norm(expected)


def test_versions_are_of_this_stack(tiny):
    import run_gtn_tf
    import worker

    versions = worker._versions(run_gtn_tf.build("gtn_tf", tiny))
    legacy = "tf-keras" if sys.version_info >= (3, 12) else "keras"
    assert {"Python", "tensorflow", "numpy", legacy} <= set(versions)
    assert ("tensorflow-addons" in versions) == (legacy == "keras")
    assert versions[legacy].startswith("2.")


def test_who_compiles_too_long_gives_up(tmp_path):
    """In code of another language too, which no signal reaches in time."""
    import processes
    from contenders import Contender

    script = (
        f"import sys, time; sys.path.insert(0, {str(BENCHMARKS)!r})\n"
        "import job, worker\n"
        "slow = job.Job(lambda: time.sleep(60), dict, (), limit=0.6)\n"
        "print('a framework greets'); worker.measure(slow, 1)"
    )
    python = tmp_path / "python"  # runs the script, whatever it is asked for
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{script}"\n')
    python.chmod(0o755)
    one = processes.run_worker(Contender("torch, slow", "torch", python), "digits", 2)
    assert one == {
        "implementation": "torch, slow",
        "size": "digits",
        "steps": 2,
        "gave_up": "did not compile within 0.01 minutes",
    }


@pytest.mark.parametrize(
    "script, expected",
    [
        ("echo greetings; echo '{\"seconds\": [1]}'; echo bye; echo err >&2", [1]),
        ("echo greetings; echo 7", "a word on stderr"),
        ("echo '{}'; exit 3", "a word on stderr"),
        ("kill -9 $$", "killed, probably for want of memory"),
    ],
)
def test_what_workers_print(tmp_path, script, expected):
    import processes
    from contenders import Contender

    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho 'a word on stderr' >&2\n{script}\n")
    python.chmod(0o755)
    contender = Contender("gtn_tf, TensorFlow 9.8", "gtn_tf", python)
    if expected == "a word on stderr":
        with pytest.raises(processes.WorkerError, match=f"9.8 with 2 .*\n{expected}"):
            processes.run_worker(contender, "digits", 2)
        return
    printed = processes.run_worker(contender, "digits", 2)
    assert printed.pop("implementation") == contender.label
    assert expected in printed.values()


def test_workers_find_this_gtn_tf(tmp_path):
    import processes
    from contenders import Contender

    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "{\\"path\\": \\"$PYTHONPATH\\"}"\n')
    python.chmod(0o755)
    found = processes.run_worker(Contender("torch", "torch", python), "digits", 2)
    assert found["path"].split(os.pathsep)[0] == str(BENCHMARKS.parent)


def test_contenders(tmp_path):
    import contenders

    other = tmp_path / "python"
    other.write_text("#!/bin/sh\necho 9.8.7\n")
    other.chmod(0o755)
    peers = Path("peers")
    found = contenders.find(["torch", "gtn_tf"], peers, other)
    assert found == [
        ("gtn_tf", "gtn_tf", Path(sys.executable)),
        ("gtn_tf, TensorFlow 9.8", "gtn_tf", other),
        ("torch", "torch", peers),
    ]
    assert [contenders.is_other_stack(one.label) for one in found] == [0, 1, 0]
    assert [contenders.is_gtn_tf(one.label) for one in found] == [1, 1, 0]
    assert len(contenders.find(["torch", "gtn_tf"], peers, None)) == 2
    other.write_text(f"#!/bin/sh\necho {tf.__version__}\n")
    with pytest.raises(contenders.StackError, match="another TensorFlow than 2"):
        contenders.find(["gtn_tf"], peers, other)
    other.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(contenders.StackError, match="a Python with TensorFlow"):
        contenders.find(["gtn_tf"], peers, other)
    with pytest.raises(contenders.StackError, match="does not run"):
        contenders.find(["gtn_tf"], peers, tmp_path / "none")


def counted(function) -> int:
    """Operations of a graph's convolutions and products, as TensorFlow counts them."""
    graph = tf.function(function).get_concrete_function().graph
    wanted = ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter", "MatMul")
    nodes = [op.node_def for op in graph.get_operations() if op.type in wanted]
    return sum(ops.get_stats_for_node_def(graph, n, "flops").value for n in nodes)


def test_operations(tiny):
    """Each step's part, and the whole meta-gradient, unrolled in one graph."""
    import operations
    import run_gtn_tf

    size = tiny.size
    gtn = run_gtn_tf.make_gtn(tiny, "nested_tapes")
    weights = [tf.constant(array) for array in tiny.learner.values()]
    data = tf.constant(tiny.images), tf.constant(tiny.image_labels)
    seed = tf.constant([0, 0])

    forward = counted(lambda: gtn.meta.inner_inputs(seed).images)
    of_one = 2 * sum(operations.generator_layers(size))
    assert forward == size.steps * size.batch_size * of_one
    forward = counted(lambda: gtn.pool[0].model(data[0]))
    assert forward == 2 * size.meta_batch * sum(operations.learner_layers(size))

    inputs = 0, weights, data, seed, gtn.trainable_variables
    whole = counted(lambda: gtn.meta.gradient(*inputs)[1])
    first, _, *dense = operations.learner_layers(size)
    images = size.steps * size.batch_size
    # In the graph, and pruned from it when it runs: the gradient of the real images
    # and of a step's own images.
    whole -= 2 * (images + size.meta_batch) * first
    # Nobody asks for the gradient of the fresh weights (the convolutions' is pruned).
    whole += 2 * 2 * size.batch_size * sum(dense)
    # TensorFlow counts the derivatives of a convolution without padding by its input's
    # pixels, of which there are more than of its output's.
    width, filters = size.pixels // 4, size.generator_filters
    more = [(w + 2) ** 2 - (w + 1) ** 2 for w in (width, 2 * width)]
    surplus = more[0] * 16 * 2 * filters * filters + more[1] * 16 * filters
    whole -= 2 * 2 * images * surplus
    assert whole == operations.meta_gradient(size, "nested_tapes")
    assert whole == operations.meta_gradient(size, "keep")


def test_convolution(tiny):
    import run_convolution

    job = run_convolution.build("convolution", tiny)
    assert job.gradients(job.iterate())["convolved"].shape == (28, 28, 128)
    assert job.details["operations"] == counted(
        lambda: tf.nn.conv2d(
            tf.zeros([128, 28, 28, 128]), tf.zeros([3, 3, 128, 128]), 1, "SAME"
        )
    )


def line(implementation: str, steps: int, seconds: list[float], peak: int) -> dict:
    """What a worker prints."""
    stack = {"unroll": "keep"} if implementation.startswith("gtn_tf") else {}
    return {
        **stack,
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
        {"implementation": "torch", "size": "sweep", "steps": 16, "gave_up": "killed"},
    ]


def test_rows_and_ratios():
    import rows

    made = rows.make_rows(sweep_lines())
    assert len(made) == 6
    assert made[-1] == sweep_lines()[-1] and rows.timed(made) == made[:-1]
    assert made[0] == {
        "implementation": "gtn_tf",
        "size": "sweep",
        "steps": 8,
        "seconds_median": 2.0,
        "seconds_min": 1.0,
        "seconds_std": 1.0,
        "peak_bytes": 10**9 + 1,
        "first_seconds": 9.0,
        "unroll": "keep",
    }
    fastest, checkpoint, limit, memory = rows.ratios(made, 8)
    assert fastest.other.startswith("torch_checkpoint")
    assert fastest.value == checkpoint.value == pytest.approx(2 / 3)
    assert limit.value == 2.0 and memory.value == pytest.approx(0.5)
    assert rows.ratios(made, 16) == []
    compiled = line("torch_compile", 8, [2.5], 10**9)
    late = {**sweep_lines()[-1], "steps": 8, "implementation": "torch_compile"}
    made = rows.make_rows([*sweep_lines(), compiled, late])
    assert rows.ratios(made, 8)[0].other.startswith("torch_compile, the fastest")
    assert made[-1]["seconds_min"] == 2.5 and made[-1]["gave_up"] == "killed"


@pytest.mark.parametrize("steps", [[8], [8, 16]])
def test_report(tmp_path, steps):
    import agreement
    import operations
    import problem
    import report
    import rows

    other = "gtn_tf, TensorFlow 9.8"
    lines = [*sweep_lines(), line(other, 8, [1.6], 10**9)]
    made = rows.make_rows(one for one in lines if one["steps"] in steps)
    context = report.Context(
        "make bench SIZE=sweep",
        {"CPU": "abacus"},
        {"torch": "1.2.3"},
        {"torch": agreement.Difference(1e-9, "latents", 3)},
        {
            "gtn_tf": {"Python": "3.9.1", "tensorflow": "9.7.0"},
            other: {"Python": "3.9.2", "tensorflow": "9.8.0"},
        },
        speed=1e11,
    )
    report.write(tmp_path, "sweep", made, context)
    assert json.loads((tmp_path / "sweep.json").read_text()) == made
    text = (tmp_path / "sweep.md").read_text()
    assert "| 8 | torch | 4.000 |" in text and "**0.67**" in text
    assert "abacus" in text and "torch 1.2.3" in text and "1.0e-09" in text
    assert ("torch at 16 steps (killed)" in text) == (16 in steps)
    assert ("| 16 | torch | killed |" in text) == (16 in steps)
    assert "keep at 8 steps" in text
    assert "| steps |  | TensorFlow 9.7.0 | TensorFlow 9.8.0 | difference |" in text
    assert "| 8 | median, s | 2.000 | 1.600 | -20% |" in text
    assert "| 8 | unroll | keep | keep |  |" in text
    assert "- TensorFlow 9.8.0: Python 3.9.2" in text
    needed = operations.meta_gradient(problem.SIZES["sweep"]._replace(steps=8), "keep")
    bound, share = f"{needed / 1e11:.3f}", f"{100 * needed / 2e11:.0f}%"
    assert "GFLOP/s on this machine's" in text and f"| {share} |" in text
    assert f"| 8 | gtn_tf | keep | {needed / 1e9:.2f} | {bound} | 2.000 |" in text
    for name in ("sweep_time.png", "sweep_memory.png"):
        expect_drawn(tmp_path / name)
        (tmp_path / name).unlink()
    report.draw(tmp_path, "sweep")  # from the rows alone
    assert (tmp_path / "sweep_memory.png").exists()


def test_agreement():
    import agreement

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

    pythons = [Path("python"), Path("another")]
    first = store.Store("digits", pythons, tmp_path)
    first.add({"implementation": "torch"})
    first.add({"implementation": "higher"})
    again = store.Store("digits", pythons, tmp_path)
    assert [one["implementation"] for one in again.lines()] == ["torch", "higher"]
    assert store.Store("digits", pythons[:1], tmp_path).lines() == []
    again.remove()
    assert not any(tmp_path.iterdir())


def test_who_gave_up_is_not_started_again(tmp_path, monkeypatch):
    import measuring
    import store
    from contenders import Contender

    ours = Contender("gtn_tf", "gtn_tf", Path("a"))
    other = Contender("gtn_tf, TensorFlow 9.8", "gtn_tf", Path("b"))
    peers = [Contender(n, n, Path("c")) for n in ("torch", "torch_compile", "higher")]
    started = []

    def run_worker(contender, size, steps, *words):
        asked = {"implementation": contender.label, "size": size, "steps": steps}
        started.append((contender.label, *(x for x in words if x != "--repeats")))
        if words[0] == "--save":
            if contender.label == "higher":
                return {**asked, "gave_up": "late in float64"}
            np.savez(words[1], a=np.ones(3))
        elif contender.label == "torch_compile":
            return {**asked, "gave_up": "late"}
        return {**asked, "seconds": [2.0, 1.0], "peak_bytes": 5, "operations": 8}

    monkeypatch.setattr(measuring, "run_worker", run_worker)
    kept = store.Store("digits", [], tmp_path)
    both = [ours, other, *peers]
    one = measuring.Measuring(kept, "digits", both, ours)
    assert list(one.compare()) == [
        *("gtn_tf, keep", "gtn_tf, TensorFlow 9.8, recompute"),
        *("gtn_tf, TensorFlow 9.8, keep", "torch", "torch_compile"),
    ]
    started.clear()
    assert one.convolution_speed() == 8
    lines = one.rounds(rounds=2)
    assert [(line["implementation"], line.get("gave_up")) for line in lines[-5:]] == [
        ("gtn_tf", None),
        (other.label, None),
        ("torch", None),
        ("torch_compile", "late"),
        ("higher", "late in float64"),
    ]
    order = ["gtn_tf", other.label, "torch"]
    alternating = [*order, "torch_compile", *order]
    assert [name for name, *_ in started] == ["convolution", *alternating]
    started.clear()
    again = measuring.Measuring(kept, "digits", both, ours)  # after an interruption
    again.compare()
    assert [{**x, "key": 0} for x in again.rounds(2)] == [
        {**x, "key": 0} for x in lines
    ]
    assert started == []

    np.savez(kept.arrays("torch", 4), a=np.zeros(3))
    with pytest.raises(measuring.Disagreement, match="torch"):
        again.compare()


def test_plan_alternates_and_spares_the_slow():
    import plan

    names = ["gtn_tf", "torch", "jax_remat"]
    small = list(plan.plan("small", names, rounds=3))
    assert [one.implementation for one in small[:4]] == [*names, "gtn_tf"]
    assert sum(one.implementation == "jax_remat" for one in small) == 1
    assert {one.steps for one in plan.plan("sweep", names)} == {8, 16, 32, 64, 128}


def test_kills_compare_all_but_times(tmp_path):
    import kills

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
