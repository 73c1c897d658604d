"""The command line as a user types it."""

from __future__ import annotations

import subprocess
import sys
import time

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
