"""The command line as a user types it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from gtn_tf.config import load_config


def run(*arguments, cwd=None, env=None):
    return subprocess.run(
        [sys.executable, "-m", "gtn_tf.cli", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=env,
    )


def test_print_config_is_a_config(tmp_path):
    done = run("train", "--config", "mnist_laptop", "--print-config", "seed=7")
    assert done.returncode == 0
    (tmp_path / "run.yaml").write_text(done.stdout)
    assert load_config(str(tmp_path / "run.yaml")) == load_config(
        "mnist_laptop", ["seed=7"]
    )


@pytest.mark.parametrize(
    "arguments, problem",
    [
        (["meta.iterration=3"], "did you mean meta.iterations?"),
        (["meta.iterations=many"], "expected an integer of at least 1"),
        (["--config", "digit"], "did you mean digits?"),
        (["--config", "mnist_laptop", "--data-dir", "nowhere"], "nowhere"),
    ],
)
def test_errors_are_one_line(arguments, problem, tmp_path):
    done = run("train", *arguments, cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and problem in line
    assert not list(tmp_path.iterdir())  # a mistake leaves nothing behind


def test_a_mistyped_key_is_told_before_tensorflow_starts():
    started = time.monotonic()
    run("train", "meta.iterration=3")
    assert time.monotonic() - started < 3


def test_help_and_unknown_options():
    done = run("train", "--help")
    assert done.returncode == 0 and "--run-dir" in done.stdout
    assert run("teach").returncode == 2
    assert run("train", "--resum=yes").returncode == 2


def test_a_teacher_from_the_command_line(tmp_path):
    done = run(
        *("evaluate", "--teacher", "digits", "--learner", "mlp"),
        *("--learners", "1", "--every", "100", "--out", "found"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "generated data" in done.stdout and "rates tuned for it" in done.stdout
    names = {path.name for path in (tmp_path / "found").iterdir()}
    assert names == {"curves.csv", "curves.png", "evaluation.json"}
    words = "--teacher", "digits", "--format", "npz", "--out", "t.npz"
    assert run("export", *words, cwd=tmp_path).returncode == 0
    done = run("sample", "--teacher", "t.npz", "--out", "pictures", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "pictures" / "curriculum.gif").exists()


@pytest.mark.parametrize(
    "arguments, problem",
    [
        (["evaluate", "--teacher", "mnits"], "did you mean mnist?"),
        (["evaluate", "--teacher", "digits", "--data", "mnist"], "expected data like"),
        (["sample", "--teacher", "."], "found no saved_model.pb"),
    ],
)
def test_teachers_that_cannot_be_used(arguments, problem, tmp_path):
    images = np.zeros([20_000, 28, 28], np.uint8)
    images[:10_000] = 255
    labels = np.arange(20_000) % 10
    arrays = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    (tmp_path / "data").mkdir()
    np.savez(tmp_path / "data" / "mnist.npz", **arrays)
    environment = {**os.environ, "GTN_TF_DATA": str(tmp_path / "data")}
    done = run(*arguments, cwd=tmp_path, env=environment)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and problem in line


def test_bad_options_of_evaluate():
    assert run("evaluate", "--teacher", "digits", "--learners", "0").returncode == 2
    assert run("evaluate", "--teacher", "digits", "--learner", "vgg").returncode == 2
