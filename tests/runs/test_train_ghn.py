"""The job that trains a graph hypernetwork, and the search and ranking by it."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from conftest import kill_when_written
from gtn_tf import runs
from gtn_tf.cells import Genotype, Genotype201
from gtn_tf.cli.__main__ import main
from gtn_tf.config import ConfigError, GHNConfig, SearchConfig, load_config
from gtn_tf.errors import GTNError
from gtn_tf.ghn import load_ghn

TINY = [
    *("data.name=digits", "data.image_size=0", "data.augment=[]"),
    *("space.filters=2", "ghn.state=4", "ghn.hidden=4", "training.steps=9"),
    *("training.steps_per_epoch=3", "training.batch_size=32"),
    *("training.tested=2", "training.tested_images=50"),
]
# Of two reduction cells.
NAO = ["space.name=nao", "space.cells=0"]


def config(*more: str) -> GHNConfig:
    return load_config("ghn_nas_bench_201", [*TINY, *more], GHNConfig)


class Killed(Exception):
    pass


def killed_after(epoch: int):
    """Reports, and stops after an epoch."""

    def report(line: str) -> None:
        if line.startswith(f"epoch {epoch}/"):
            raise Killed

    return report


def rows(path: Path) -> list[dict[str, str]]:
    with (path / "metrics.csv").open() as file:
        found = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if k != "seconds"} for row in found]


def weights(path: Path) -> np.ndarray:
    return load_ghn(path).weights


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "whole"
    said: list[str] = []
    runs.train_ghn(config("space.cells=0"), path, report=said.append)
    return path, said


def test_a_training_leaves_everything(whole) -> None:
    path, said = whole
    files = {p.name for p in path.iterdir()}
    assert files >= {
        *("config.yaml", "metrics.csv", "checkpoints", "tensorboard"),
        *("ghn.npz", "summary.json", "README.md"),
    }
    summary = json.loads((path / "summary.json").read_text())
    assert [row["step"] for row in rows(path)] == ["3", "6", "9"]
    assert summary["validation_accuracy"] == float(rows(path)[-1]["val_accuracy"])
    assert summary["weights"] == len(weights(path))
    assert sum(line.endswith(" left") for line in said) == 3
    assert f"{summary['validation_accuracy']:.2%}" in (path / "README.md").read_text()
    found = load_ghn(path)
    assert found.network["filters"] == 2 and found.settings["state"] == 4


@pytest.mark.slow
def test_a_stopped_run_scores_and_resumes_to_the_same_weights(whole, tmp_path) -> None:
    path, tiny = tmp_path / "stopped", config("space.cells=0")
    with pytest.raises(Killed):
        runs.train_ghn(tiny, path, report=killed_after(2))
    assert not (path / "summary.json").exists()
    unfinished = weights(path)
    said: list[str] = []
    runs.train_ghn(tiny, path, resume=True, report=said.append)
    assert any(line.startswith("resuming after step 6") for line in said)
    assert rows(path) == rows(whole[0])
    np.testing.assert_array_equal(weights(path), weights(whole[0]))
    assert (weights(path) != unfinished).any()


@pytest.mark.slow
@pytest.mark.parametrize("space", [[], [*NAO, "space.ops=small"]])
def test_kill_9_and_resume_give_the_same_weights(space, tmp_path) -> None:
    whole, path = tmp_path / "whole", tmp_path / "killed"
    runs.train_ghn(config(*space), whole, report=lambda line: None)
    command = [sys.executable, "-m", "gtn_tf.cli", "train-ghn", "--run-dir"]
    kill_when_written(
        [*command, path, *TINY, *space], path / "checkpoints" / "epoch-00001.index"
    )
    assert not (path / "summary.json").exists()
    said: list[str] = []
    runs.train_ghn(config(*space), path, resume=True, report=said.append)
    assert any(line.startswith("resuming after step") for line in said)
    assert rows(path) == rows(whole)
    np.testing.assert_array_equal(weights(path), weights(whole))
    # What is lost of a finished run is made again, without training.
    (path / "ghn.npz").unlink()
    runs.train_ghn(config(*space), path, resume=True, report=said.append)
    assert not any(line.startswith("tracing") for line in said[-2:])
    np.testing.assert_array_equal(weights(path), weights(whole))


def test_what_cannot_be_trained_is_told() -> None:
    with pytest.raises(ConfigError, match="a multiple of training.steps_per_epoch .3"):
        config("training.steps=10")


@pytest.mark.slow
def test_genotypes_are_ranked_and_searched_by_a_run(whole, tmp_path, capsys) -> None:
    path, _ = whole
    file, out = tmp_path / "cells.txt", tmp_path / "ranked.csv"
    rng = np.random.default_rng(0)
    file.write_text("".join(f"{Genotype201.sample(rng)}\n" for _ in range(3)))
    words = ["rank", "--scorer", "ghn", "--data", "digits", "--ghn", path]
    words = [*map(str, [*words, "--genotypes", file, "--out", out])]
    assert main([*words, "--filters", "2"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "expected candidates with cells 0" in line and not out.exists()
    assert main(words[:5] + words[7:]) == 1
    assert "expected a run directory of train-ghn" in capsys.readouterr().err
    chosen = [
        *("space.name=nas_bench_201", "space.cells=0", "space.filters=2"),
        *("ranking.scorer=ghn", f"ranking.ghn={path}", "ranking.candidates=4"),
        *("search.proposer=local", "training.top_k=0"),
    ]
    search = load_config("search_digits", chosen, SearchConfig)
    runs.search(search, tmp_path / "search", report=lambda line: None)
    with (tmp_path / "search" / "results.csv").open() as results:
        found = list(csv.DictReader(results))
    assert len(found) == 4 and all(float(row["ghn"]) < 0 for row in found)


@pytest.mark.slow
def test_genotypes_of_nao_are_ranked_and_searched_by_a_run(tmp_path, capsys) -> None:
    path, file, out = (tmp_path / name for name in ("run", "cells.txt", "ranked.csv"))
    runs.train_ghn(config(*NAO), path, report=lambda line: None)
    rng = np.random.default_rng(0)
    file.write_text("".join(f"{Genotype.sample(rng)}\n" for _ in range(3)))
    words = ["rank", "--scorer", "ghn", "--data", "digits", "--ghn", path]
    words += ["--genotypes", file, "--out", out, "--cells", 0, "--filters", 2]
    assert main([str(word) for word in words]) == 0
    with out.open() as ranked:
        found = [float(row["ghn"]) for row in csv.DictReader(ranked)]
    assert len(found) == 3 and found == sorted(found, reverse=True) and found[0] < 0
    chosen = [
        *("space.name=nao", "space.cells=0", "space.filters=2"),
        *("ranking.scorer=ghn", f"ranking.ghn={path}", "ranking.candidates=4"),
        *("search.proposer=random", "training.top_k=0"),
    ]
    search = load_config("search_digits", chosen, SearchConfig)
    runs.search(search, tmp_path / "search", report=lambda line: None)
    with (tmp_path / "search" / "results.csv").open() as results:
        assert len([*csv.DictReader(results)]) == 4
    small = load_config("search_digits", [*chosen, "space.ops=small"], SearchConfig)
    with pytest.raises(GTNError, match="expected candidates with ops"):
        runs.search(small, tmp_path / "small", report=lambda line: None)
    assert not (tmp_path / "small").exists()  # the corrected command may use it
