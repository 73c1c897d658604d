"""Runs of several workers and of several replicas: the results of one process."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from gtn_tf.cli.__main__ import main

SETTINGS = [
    *(
        "teacher.source=dataset_distillation",
        "teacher.steps=2",
        "teacher.batch_size=10",
    ),
    *("learners.family=mlp", "learners.units=[8]", "learners.weight_norm=false"),
    *("learners.batch_norm=none", "meta.intermediate_every=0", "meta.batch_size=16"),
    *("meta.iterations=12", "meta.iterations_per_epoch=2"),
    *("evaluation.learners=1", "evaluation.real_data_iterations=2"),
    *("evaluation.test_each_epoch=true", "meta.learners_per_iteration=2"),
]
NO_BASELINE = "evaluation.real_data_iterations=0"
SECONDS = 300  # after which a worker is taken for one that hangs


def train(run_dir: Path, *more: str) -> list[str]:
    return ["train", "--run-dir", str(run_dir), *SETTINGS, *more]


@contextlib.contextmanager
def two_workers(run_dir: Path, *more: str) -> Iterator[list[subprocess.Popen]]:
    """Two workers on this machine, the chief first; none is left behind."""
    sockets = [socket.socket() for _ in range(2)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    workers = []
    try:
        for index in range(2):
            task = {"type": "worker", "index": index}
            config = {"cluster": {"worker": addresses}, "task": task}
            workers.append(
                subprocess.Popen(
                    [sys.executable, "-m", "gtn_tf.cli", *train(run_dir, *more)],
                    env={**os.environ, "TF_CONFIG": json.dumps(config)},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
            )
        yield workers
    finally:
        for one in workers:
            one.kill()


def outputs(workers: list[subprocess.Popen]) -> list[str]:
    """What workers have printed, once they have ended."""
    return [one.communicate(timeout=SECONDS)[0] for one in workers]


def weights(run_dir: Path, *left_out: str) -> dict[str, np.ndarray]:
    """All that the last checkpoint holds, but the clock and what is left out."""
    last = sorted((run_dir / "checkpoints").glob("*.index"))[-1]
    reader = tf.train.load_checkpoint(str(last.with_suffix("")))
    found = {n: reader.get_tensor(n) for n in reader.get_variable_to_shape_map()}
    left_out += "GRAPH", "seconds"
    return {
        name: value
        for name, value in found.items()
        if not any(part in name for part in left_out)
    }


def metrics(run_dir: Path, name: str) -> list[float]:
    with (run_dir / "metrics.csv").open() as file:
        return [float(row[name]) for row in csv.DictReader(file)]


def expect_the_results_of_one_process(found: Path, alone: Path) -> None:
    """Up to the order in which float32 numbers are added."""
    left_out = "run/", "tensorflow/", "meta_loss/"  # the sums of a metric, for its mean
    expected, given = weights(alone, *left_out), weights(found, *left_out)
    assert expected.keys() == given.keys() and len(given) > 10
    for name in expected:
        np.testing.assert_allclose(
            given[name], expected[name], rtol=1e-3, atol=1e-5, err_msg=name
        )
    names = "meta_loss", "accuracy", "val_accuracy", "val_meta_loss", "test_accuracy"
    for name in names:
        assert metrics(found, name) == pytest.approx(metrics(alone, name), rel=1e-4)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A run of one process, which trains both learners."""
    run_dir = tmp_path_factory.mktemp("alone") / "run"
    assert main(train(run_dir)) == 0
    return run_dir


@pytest.mark.slow
def test_two_workers_come_to_the_results_of_one_process(alone, tmp_path):
    """Although one of them is killed, and both are started again."""
    run_dir = tmp_path / "run"
    end = time.monotonic() + SECONDS
    with two_workers(run_dir) as workers:
        while not (run_dir / "checkpoints" / "epoch-00001.index").exists():
            assert time.monotonic() < end, "the first epoch does not end"
            assert workers[0].poll() is None, outputs(workers[:1])
            time.sleep(0.05)
        workers[1].send_signal(signal.SIGKILL)
        chief, other = outputs(workers)
    assert workers[0].returncode == 1 and not (run_dir / "summary.json").exists()
    assert "error: another worker is gone" in chief
    assert "Traceback" not in chief and "iteration" in chief
    assert "worker 2 of 2" in other and "iteration" not in other

    with two_workers(run_dir, "--resume") as workers:
        output = outputs(workers)
    assert [one.returncode for one in workers] == [0, 0], output
    assert "resuming after iteration" in output[0]
    expect_the_results_of_one_process(run_dir, alone)
    assert {p.name for p in run_dir.iterdir()} == {p.name for p in alone.iterdir()}
    summaries = [json.loads((d / "summary.json").read_text()) for d in (run_dir, alone)]
    for name in ("test_accuracy_mean", "real_data_accuracy_mean", "meta_iterations"):
        assert summaries[0][name] == pytest.approx(summaries[1][name], abs=0.01)
    teacher = gtn_tf.load_teacher(run_dir)
    assert teacher.generate([1, 2]).shape == (2, 8, 8, 1)
    expected = gtn_tf.load_teacher(alone).images
    np.testing.assert_allclose(teacher.images, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_two_replicas_come_to_the_results_of_one(
    tmp_path, alone, monkeypatch, two_replicas, capsys
):
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", lambda: two_replicas)
    mirrored, run_dir = "meta.distribute=mirrored", tmp_path / "run"
    assert main(train(run_dir, mirrored, NO_BASELINE)) == 0
    expect_the_results_of_one_process(run_dir, alone)
    odd = train(tmp_path / "odd", mirrored, "meta.learners_per_iteration=3")
    assert main(odd) == 1
    told = capsys.readouterr().err
    assert "meta.learners_per_iteration: expected a multiple" in told
    assert not (tmp_path / "odd").exists()
