"""The job of a search by ENAS: its folder, a kill, and its errors."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from gtn_tf import runs
from gtn_tf.cells import OPS_201, Genotype, read_genotypes
from gtn_tf.cli.__main__ import main
from gtn_tf.config import ConfigError, EnasConfig, load_config
from gtn_tf.non_finite import NonFiniteError
from gtn_tf.runs.operation_history import read_history

TINY = [
    *("data.name=digits", "data.image_size=0", "data.augment=[]"),
    *("space.filters=2", "training.steps=9", "training.steps_per_epoch=3"),
    *("training.batch_size=32", "search.warm_up=1", "search.updates=2"),
    *("search.architectures=3", "search.reward_images=60", "search.units=8"),
    *("search.learning_rate=0.05", "search.drawn=5", "search.drawn_images=60"),
]
ALONE = "space.cells=0"  # a network without cells is traced at once


def config(*more: str) -> EnasConfig:
    return load_config("enas_nas_bench_201", [*TINY, *more], EnasConfig)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        found = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if k != "seconds"} for row in found]


def variables(path: Path) -> dict[str, np.ndarray]:
    """All of the last checkpoint but the time that it took."""
    read = tf.train.load_checkpoint(str(path / "checkpoints" / "epoch-00003"))
    names = [*read.get_variable_to_shape_map()]
    return {name: read.get_tensor(name) for name in names if "seconds" not in name}


def command(path: Path, *more: str) -> list[str]:
    words = ["-m", "gtn_tf.cli", "search-enas", "--run-dir", str(path), *more]
    return [sys.executable, *words, *TINY]


def run_to_the_end(path: Path, *more: str) -> list[str]:
    """Runs the command in a process of its own; returns the lines that it prints."""
    done = subprocess.run(command(path, *more), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """As a user runs it."""
    path = tmp_path_factory.mktemp("runs") / "whole"
    said = run_to_the_end(path)
    return path, json.loads((path / "summary.json").read_text()), said


def test_a_search_leaves_everything(finished) -> None:
    path, summary, lines = finished
    assert {p.name for p in path.iterdir()} >= {
        *("config.yaml", "metrics.csv", "checkpoints", "tensorboard"),
        *("operations.csv", "operations.png", "genotype.txt", "summary.json"),
        "README.md",
    }
    (written,) = read_genotypes(path / "genotype.txt")
    assert written.name == "enas_0"
    assert str(written.genotype) == summary["genotype"]
    assert summary["skips"] == written.genotype.skips
    assert summary["genotype"] in (path / "README.md").read_text()
    assert 1 <= summary["different"] <= summary["drawn"] == 5
    assert summary["updates"] == 4
    assert summary["validation_accuracy"] >= summary["drawn_accuracy"]
    steps, edges = read_history(path / "operations.csv")
    assert steps == [3, 6, 9]
    # Of epochs, edges and operations.
    probabilities = np.array([[of[op] for op in OPS_201] for of in edges.values()])
    probabilities = np.moveaxis(probabilities, 2, 0)
    np.testing.assert_allclose(probabilities.sum(2), np.ones([3, 6]), rtol=1e-5)
    metrics = rows(path / "metrics.csv")
    assert [row["step"] for row in metrics] == ["3", "6", "9"]
    for row, of_epoch in zip(metrics, probabilities):
        assert int(row["skips"]) == (of_epoch.argmax(1) == 1).sum()
    # The controller learns after the first epoch, in which weights learn alone.
    assert metrics[0]["entropy"] != metrics[1]["entropy"] != metrics[2]["entropy"]
    epochs = [line for line in lines if line.startswith("epoch")]
    assert len(epochs) == 3 and all("s left" in line for line in epochs)
    assert "weights alone" in epochs[0] and "|+|" in epochs[1]
    assert summary["genotype"] in lines[-1]
    assert len(list((path / "tensorboard").rglob("events.*"))) == 2


def test_train_final_and_rank_take_the_genotype(finished, tmp_path) -> None:
    path, summary, _ = finished
    file, out = str(path / "genotype.txt"), tmp_path / "ranked.csv"
    words = ["rank", "--scorer", "params", "--data", "digits", "--genotypes", file]
    assert main([*words, "--filters", "2", "--out", str(out)]) == 0
    assert rows(out)[0]["genotype"] == summary["genotype"]
    words = ["train-final", "--config", "final_digits", "--genotype", file]
    assert main([*words, "--print-config"]) == 0


@pytest.mark.slow
def test_a_search_of_nao_leaves_a_genotype_for_the_other_commands(tmp_path) -> None:
    path = tmp_path / "run"
    said: list[str] = []
    chosen = config("space.name=nao", "space.ops=small", ALONE)
    summary = runs.search_enas(chosen, path, report=said.append)
    (written,) = read_genotypes(path / "genotype.txt")
    assert written.genotype == Genotype.parse(summary["genotype"])
    assert summary["skips"] == written.genotype.skips and summary["edges"] == 20
    assert f"{summary['skips']} skip connections on its 20 edges" in (
        (path / "README.md").read_text()
    )
    # The cell of each epoch, as `train-final` reads it.
    shown = [line.split("  ") for line in said if "skips" in line and "epoch" in line]
    cells = [Genotype.parse(parts[-3]) for parts in shown if parts[0][:5] == "epoch"]
    assert len(cells) == 2
    assert any(f"skips {cells[-1].skips} of 20" in part for part in shown[-1])
    steps, found = read_history(path / "operations.csv")
    assert steps == [3, 6, 9] and len(found) == 40
    for name, values in found.items():
        of_last = {value: numbers[-1] for value, numbers in values.items()}
        assert sum(of_last.values()) == pytest.approx(1, rel=1e-5)
        _, node, part = name.split("_", 2)
        cell = getattr(cells[-1], name.split("_")[0])
        now = getattr(cell.nodes[int(node) - 2], part)
        assert str(now) == max(of_last, key=of_last.__getitem__)


class Stopped(Exception):
    pass


def test_a_search_that_stopped_goes_on_with_the_same_controller(tmp_path) -> None:
    whole, path = tmp_path / "whole", tmp_path / "stopped"
    expected = runs.search_enas(config(ALONE), whole, report=lambda line: None)
    said: list[str] = []

    def report(line: str) -> None:
        said.append(line)
        if sum(line.startswith("epoch") for line in said) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        runs.search_enas(config(ALONE), path, report=report)
    found = runs.search_enas(config(ALONE), path, resume=True, report=said.append)
    assert "resuming after step 6 of 9" in said
    for name in ("genotype", "entropy", "validation_loss", "drawn_loss"):
        assert found[name] == expected[name]
    for file in ("metrics.csv", "operations.csv"):
        assert rows(path / file) == rows(whole / file)
    ours, theirs = variables(path), variables(whole)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)
    # What is lost of a finished run is made again, without a search.
    (path / "genotype.txt").unlink()
    runs.search_enas(config(ALONE), path, resume=True, report=said.append)
    assert not any(line.startswith("tracing") for line in said[-3:])
    (again,) = read_genotypes(path / "genotype.txt")
    assert str(again.genotype) == expected["genotype"]


@pytest.mark.slow
def test_kill_9_and_resume_give_the_same_cell(finished, tmp_path) -> None:
    whole, expected, _ = finished
    path = tmp_path / "killed"
    process = subprocess.Popen(command(path), stdout=subprocess.DEVNULL)
    checkpoint = path / "checkpoints" / "epoch-00001.index"
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert not (path / "summary.json").exists()
    # As a user resumes it. In this process, `rank` may have left one thread to each
    # operation, with which sums are rounded otherwise.
    said = run_to_the_end(path, "--resume")
    assert any(line.startswith("resuming after step") for line in said)
    found = json.loads((path / "summary.json").read_text())
    for name in ("genotype", "entropy", "validation_loss", "drawn_loss"):
        assert found[name] == expected[name]
    for file in ("metrics.csv", "operations.csv"):
        assert rows(path / file) == rows(whole / file)
    ours, theirs = variables(path), variables(whole)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)


def test_a_divergence_is_told(tmp_path) -> None:
    wild = config("training.learning_rate=1e38", ALONE)
    with pytest.raises(NonFiniteError, match="training.learning_rate: the loss became"):
        runs.search_enas(wild, tmp_path, report=lambda line: None)


def test_a_reward_of_more_images_than_there_are_is_told(tmp_path) -> None:
    greedy = config("search.reward_images=100000", ALONE)
    path = tmp_path / "run"
    with pytest.raises(ConfigError, match="search.reward_images: expected at most 1"):
        runs.search_enas(greedy, path, report=lambda line: None)
    assert not path.exists()  # the corrected command may use it


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("space.name=nas", "space.name: expected one of nao, nas_bench_201, received"),
        ("training.steps=10", "a multiple of training.steps_per_epoch .3"),
        ("search.warm_up=3", "search.warm_up: expected less than the 3 epochs"),
        ("search.baseline=1", "search.baseline: expected a number in .0, 1"),
        ("search.method=gdas", "search.method: unknown key"),
    ],
)
def test_what_cannot_be_searched_is_told(override, message) -> None:
    with pytest.raises(ConfigError, match=message):
        config(override)
