"""The job that trains shared weights, and the ranking by them."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from conftest import kill_when_written
from gtn_tf import runs
from gtn_tf.cells import OPS_201, Genotype201
from gtn_tf.cli.__main__ import main
from gtn_tf.config import ConfigError, SupernetConfig, load_config
from gtn_tf.data import load
from gtn_tf.non_finite import NonFiniteError
from gtn_tf.runs.random_architectures import drawn
from gtn_tf.search import NASBench201Space
from gtn_tf.supernet import load_shared

TINY = [
    *("data.name=digits", "data.image_size=0", "data.augment=[]"),
    *("space.filters=2", "training.steps=9", "training.steps_per_epoch=3"),
    *("training.batch_size=32", "training.tested=2", "training.tested_images=50"),
]


def config(*more: str) -> SupernetConfig:
    return load_config("supernet_nas_bench_201", [*TINY, *more], SupernetConfig)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "whole"
    said: list[str] = []
    summary = runs.train_supernet(config(), path, report=said.append)
    return path, summary, said


def rows(path: Path) -> list[dict[str, str]]:
    with (path / "metrics.csv").open() as file:
        found = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if k != "seconds"} for row in found]


def weights(path: Path) -> np.ndarray:
    return load_shared(path).weights


def test_a_training_leaves_everything(finished) -> None:
    path, summary, said = finished
    files = {p.name for p in path.iterdir()}
    assert files >= {
        *("config.yaml", "metrics.csv", "checkpoints", "tensorboard"),
        *("shared_weights.npz", "summary.json", "README.md"),
    }
    assert summary == json.loads((path / "summary.json").read_text())
    assert [row["step"] for row in rows(path)] == ["3", "6", "9"]
    assert summary["validation_accuracy"] == float(rows(path)[-1]["val_accuracy"])
    assert summary["weights"] == len(weights(path)) - 1
    assert sum(line.endswith(" left") for line in said) == 3
    assert f"{summary['validation_accuracy']:.2%}" in (path / "README.md").read_text()
    assert load_shared(path).network["filters"] == 2


@pytest.mark.slow
def test_kill_9_and_resume_give_the_same_weights(finished, tmp_path) -> None:
    whole, _, _ = finished
    path = tmp_path / "killed"
    command = [sys.executable, "-m", "gtn_tf.cli", "train-supernet", "--run-dir"]
    kill_when_written(
        [*command, path, *TINY], path / "checkpoints" / "epoch-00001.index"
    )
    assert not (path / "summary.json").exists()
    said: list[str] = []
    runs.train_supernet(config(), path, resume=True, report=said.append)
    assert any(line.startswith("resuming after step") for line in said)
    assert rows(path) == rows(whole)
    np.testing.assert_array_equal(weights(path), weights(whole))
    # What is lost of a finished run is made again, without training.
    (path / "shared_weights.npz").unlink()
    runs.train_supernet(config(), path, resume=True, report=said.append)
    assert not any(line.startswith("tracing") for line in said[-2:])
    np.testing.assert_array_equal(weights(path), weights(whole))


def test_a_divergence_is_told(tmp_path) -> None:
    wild = config("training.learning_rate=1e38", "space.cells=0")
    with pytest.raises(NonFiniteError, match="training.learning_rate: the loss became"):
        runs.train_supernet(wild, tmp_path, report=lambda line: None)


def test_steps_are_whole_epochs() -> None:
    with pytest.raises(ConfigError, match="a multiple of training.steps_per_epoch .3"):
        config("training.steps=10")


def test_draws_are_uniform_connected_and_resume() -> None:
    space = NASBench201Space((4, 4, 1), 3, cells=0, filters=1)

    def codes(start: int, count: int) -> list[list[int]]:
        examples = drawn(space, seed=5, start=start)
        return [next(examples).numpy().tolist() for _ in range(count)]

    found = codes(0, 600)
    assert codes(590, 10) == found[590:]
    connected = [one.ops for one in Genotype201.all() if one.is_connected]
    for op, share in enumerate(np.bincount(np.ravel(found), minlength=5) / (6 * 600)):
        expected = np.mean(np.array(connected) == OPS_201[op])
        assert share == pytest.approx(expected, abs=0.025)
    ops = ["none", "skip_connect", "none", "nor_conv_1x1", "none", "none"]
    assert Genotype201(ops).is_connected
    assert not Genotype201([*ops[:3], "none", *ops[4:]]).is_connected


def test_genotypes_are_ranked_by_a_run(finished, tmp_path, capsys) -> None:
    path, _, _ = finished
    file, out = tmp_path / "cells.txt", tmp_path / "ranked.csv"
    rng = np.random.default_rng(0)
    file.write_text("".join(f"{Genotype201.sample(rng)}\n" for _ in range(4)))
    words = ["rank", "--scorer", "supernet", "--data", "digits", "--supernet", path]
    words = [*map(str, [*words, "--genotypes", file, "--out", out])]
    assert main([*words, "--filters", "4"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "expected candidates with filters 2" in line and not out.exists()
    assert main([*words, "--filters", "2"]) == 0
    with out.open() as ranked:
        found = [float(row["supernet"]) for row in csv.DictReader(ranked)]
    assert len(found) == 4 and found == sorted(found, reverse=True)
    assert main(words[:5] + words[7:]) == 1
    assert "expected a run directory of train-supernet" in capsys.readouterr().err


def test_the_data_is_that_of_the_configuration(finished) -> None:
    path, summary, _ = finished
    assert summary["dataset"] == load("digits").title == load_shared(path).dataset
