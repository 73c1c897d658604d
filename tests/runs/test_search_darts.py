"""The job of a differentiable search, and what takes its genotype."""

from __future__ import annotations

import csv
import itertools
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from conftest import expect_drawn, kill_when_written
from gtn_tf import data, runs
from gtn_tf.cells import OPS, OPS_201, Genotype, parse_genotype, read_genotypes
from gtn_tf.cli.__main__ import main
from gtn_tf.config import ConfigError, DartsConfig, load_config
from gtn_tf.data.stored_images import StoredImages
from gtn_tf.non_finite import NonFiniteError
from gtn_tf.run_files import RunError
from gtn_tf.runs.directory import RunDirectory
from gtn_tf.runs.operation_history import OperationHistory, read_history
from gtn_tf.runs.skip_warning import SkipWarning
from gtn_tf.runs.validation_batches import validation_batches

TINY = [
    *("data.name=digits", "data.image_size=0", "data.augment=[]"),
    *("space.filters=2", "training.steps=9", "training.steps_per_epoch=3"),
    *("training.batch_size=32", "search.learning_rate=0.05"),
]
NAO = ["space.name=nao", "space.ops=small", "space.cells=0"]
METHODS = {
    "first_order": [],
    "second_order": ["search.alpha_gradient=second_order"],
    "gdas": ["search.method=gdas"],
    "gdas_nao": ["search.method=gdas", *NAO],
}


def config(*more: str) -> DartsConfig:
    return load_config("darts_nas_bench_201", [*TINY, *more], DartsConfig)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        found = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if k != "seconds"} for row in found]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "whole"
    said: list[str] = []
    summary = runs.search_darts(config(), path, report=said.append)
    return path, summary, said


def test_validation_images_of_a_large_set_come_in_the_same_batches(monkeypatch) -> None:
    found = []
    for size in (2**28, 1):
        monkeypatch.setattr("gtn_tf.data.stored_images.LARGE", size)
        splits = data.load("digits", batch_size=8)
        found.append([*itertools.islice(validation_batches(splits, 8, 3), 2)])
    assert isinstance(splits.validation_images, StoredImages)
    for small, large in zip(*found):
        for one, other in zip(small, large):
            np.testing.assert_array_equal(one, other)


def test_a_search_leaves_everything(finished) -> None:
    path, summary, said = finished
    assert {p.name for p in path.iterdir()} >= {
        *("config.yaml", "metrics.csv", "checkpoints", "tensorboard"),
        *("alphas.csv", "alphas.png", "genotype.txt", "summary.json", "README.md"),
    }
    assert summary == json.loads((path / "summary.json").read_text())
    (written,) = read_genotypes(path / "genotype.txt")
    assert written.name == "darts_first_order_0"
    assert str(written.genotype) == summary["genotype"]
    assert summary["genotype"] in (path / "README.md").read_text()
    steps, edges = read_history(path / "alphas.csv")
    assert steps == [3, 6, 9] and [*edges][:2] == ["edge_1_from_0", "edge_2_from_0"]
    # Of epochs, edges and operations.
    mixtures = np.array([[of[op] for op in OPS_201] for of in edges.values()])
    mixtures = np.moveaxis(mixtures, 2, 0)
    np.testing.assert_allclose(mixtures.sum(2), np.ones([3, 6]), rtol=1e-5)
    metrics = rows(path / "metrics.csv")
    for number, (row, mixture) in enumerate(zip(metrics, mixtures)):
        assert int(row["skips"]) == (mixture.argmax(1) == 1).sum()
        entropy = -(mixture * np.log(mixture)).sum(1).mean()
        assert float(row["entropy"]) == pytest.approx(entropy, rel=1e-4)
        line = [line for line in said if line.startswith("epoch")][number]
        assert f"skips {row['skips']} of 6" in line and "|+|" in line
    assert summary["skips"] == int(metrics[-1]["skips"]) and summary["edges"] == 6
    assert summary["genotype"] in said[-1]
    assert len(list((path / "tensorboard").rglob("events.*"))) == 2


def test_rank_and_train_final_take_the_genotype(finished, tmp_path) -> None:
    path, summary, _ = finished
    file, out = str(path / "genotype.txt"), tmp_path / "ranked.csv"
    words = ["rank", "--scorer", "params", "--data", "digits", "--genotypes", file]
    assert main([*words, "--filters", "2", "--out", str(out)]) == 0
    assert rows(out)[0]["genotype"] == summary["genotype"]
    words = ["train-final", "--config", "final_digits", "--genotype", file]
    assert main([*words, "--print-config"]) == 0


def test_a_damaged_history_is_told(finished) -> None:
    path, _, _ = finished
    file = path / "damaged.csv"
    for text in ("epoch,step\n0,3\n", "epoch,edge,step,x\n0,a,3,1\n0,b,3,1\n1,a,6,1\n"):
        file.write_text(text)
        with pytest.raises(RunError, match="no table of operations"):
            read_history(file)


def test_a_history_that_names_its_edges_otherwise_is_read(tmp_path) -> None:
    """As of a search that was begun before edges had the names of their choices."""
    file = tmp_path / "alphas.csv"
    file.write_text("epoch,edge,step,x\n0,0->1,3,1\n1,edge_1_from_0,6,0\n")
    steps, found = read_history(file)
    assert steps == [3, 6] and [*found] == ["edge_1_from_0"]
    assert found["edge_1_from_0"]["x"].tolist() == [1, 0]


def test_choices_of_any_values_are_recorded_and_drawn(tmp_path) -> None:
    now = {
        "a_input": {0: 0.25, 1: 0.75},
        "a_op": {"identity": 0.7, "conv_1x1": 0.3},
        "b_input": {0: 0.5, 1: 0.125, 2: 0.375},
        "b_op": {"identity": 0.1, "conv_1x1": 0.9},
    }
    run = RunDirectory(tmp_path)
    history = OperationHistory(lambda: now, run, "alphas", 5, 0, "title")
    history.set_model(None)
    history.on_train_begin()
    for epoch in range(2):
        history.on_epoch_end(epoch)
    history.on_train_end()
    steps, found = read_history(tmp_path / "alphas.csv")
    assert steps == [5, 10]
    assert {c: {v: p.tolist() for v, p in of.items()} for c, of in found.items()} == {
        c: {str(v): [p, p] for v, p in of.items()} for c, of in now.items()
    }
    expect_drawn(tmp_path / "alphas.png")


def test_skip_connections_that_take_over_are_told(tmp_path) -> None:
    said: list[str] = []

    def tell(*skips: int, after: int = 0) -> int:
        """How many warnings there are of these epochs."""
        before = len(said)
        warning = SkipWarning(tmp_path / "metrics.csv", 6, said.append, after)
        warning.on_train_begin()
        for epoch, count in enumerate(skips):
            warning.on_epoch_end(epoch, {"skips": count, "step": 10 * (epoch + 1)})
        return len(said) - before

    assert tell(4, 4, 3) == 0  # not more than before
    assert tell(1, 2, 3) == 0  # no more than half
    assert tell(2, 4, 4, 6) == 2
    assert said[0].startswith("warning: 4 of 6 edges are skip connections, 2 an epoch")
    assert "warning: 6 of 6 edges are skip connections, 4 an epoch ago" in said[1]
    assert tell(2, 4, 4, 6, after=20) == 1  # nothing was searched in two epochs
    # A search that goes on knows the epoch before.
    (tmp_path / "metrics.csv").write_text("epoch,skips\n0,2\n1,3\n")
    assert tell(4) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_kill_9_and_resume_give_the_same_alphas(name, tmp_path) -> None:
    whole, path = tmp_path / "whole", tmp_path / "killed"
    expected = runs.search_darts(config(*METHODS[name]), whole, report=print)
    command = [sys.executable, "-m", "gtn_tf.cli", "search-darts", "--run-dir", path]
    kill_when_written(
        [*command, *TINY, *METHODS[name]], path / "checkpoints" / "epoch-00001.index"
    )
    assert not (path / "summary.json").exists()
    said: list[str] = []
    chosen = config(*METHODS[name])
    found = runs.search_darts(chosen, path, resume=True, report=said.append)
    assert any(re.match("resuming after step [36] of 9", line) for line in said)
    assert found["genotype"] == expected["genotype"]
    for file in ("metrics.csv", "alphas.csv"):
        assert rows(path / file) == rows(whole / file)
    # What is lost of a finished run is made again, without a search.
    (path / "genotype.txt").unlink()
    runs.search_darts(chosen, path, resume=True, report=said.append)
    assert not any(line.startswith("tracing") for line in said[-2:])
    (written,) = read_genotypes(path / "genotype.txt")
    assert written.genotype == parse_genotype(found["genotype"]).genotype


@pytest.mark.slow
@pytest.mark.parametrize("method", ["darts", "gdas"])
def test_a_search_of_nao_leaves_a_genotype_for_the_other_commands(
    method, tmp_path
) -> None:
    path = tmp_path / "run"
    said: list[str] = []
    # DARTS computes all inputs and operations of every branch.
    cheap = ["data.image_size=4"] if method == "darts" else []
    chosen = config(f"search.method={method}", *NAO, *cheap)
    summary = runs.search_darts(chosen, path, report=said.append)
    (written,) = read_genotypes(path / "genotype.txt")
    assert isinstance(written.genotype, Genotype)
    assert written.genotype == Genotype.parse(summary["genotype"])
    assert written.genotype.normal.concat is None  # its loose ends
    assert summary["skips"] == written.genotype.skips and summary["edges"] == 20
    assert any(f"skips {written.genotype.skips} of 20" in line for line in said)
    steps, found = read_history(path / "alphas.csv")
    assert steps == [3, 6, 9] and len(found) == 40
    assert [*found["normal_3_input_b"]] == ["0", "1", "2"]
    assert {*found["reduction_6_op_a"]} == {*OPS["small"]}
    picked = {
        name: max(values, key=lambda value, values=values: values[value][-1])
        for name, values in found.items()
    }
    for cell in ("normal", "reduction"):
        for number, node in enumerate(getattr(written.genotype, cell).nodes, 2):
            for part, value in node._asdict().items():
                assert picked[f"{cell}_{number}_{part}"] == str(value)
    file, out = str(path / "genotype.txt"), tmp_path / "ranked.csv"
    words = ["rank", "--scorer", "params", "--data", "digits", "--genotypes", file]
    assert main([*words, "--filters", "2", "--out", str(out)]) == 0
    words = ["train-final", "--config", "final_digits", "--genotype", file]
    assert main([*words, "--print-config"]) == 0


@pytest.mark.slow
def test_a_divergence_is_told(tmp_path) -> None:
    wild = config("training.learning_rate=1e38", "space.cells=0")
    with pytest.raises(NonFiniteError, match="training.learning_rate: the loss became"):
        runs.search_darts(wild, tmp_path / "loss", report=lambda line: None)
    # The loss of a step is from before it.
    once = config(
        *("training.learning_rate=1e38", "training.weight_decay=1000"),
        *("space.cells=0", "training.steps=1", "training.steps_per_epoch=1"),
    )
    path = tmp_path / "weights"
    with pytest.raises(NonFiniteError, match="training.learning_rate: weights became"):
        runs.search_darts(once, path, report=lambda line: None)
    assert not [*path.glob("checkpoints/*.index")]
    assert not (path / "metrics.csv").exists()


def test_what_a_method_does_not_have_is_told() -> None:
    for more, message in {
        ("space.name=darts",): "space.name: expected one of nao, nas_bench_201, rec",
        ("training.steps=10",): "a multiple of training.steps_per_epoch .3",
        ("search.method=gdas", "search.alpha_gradient=second_order"): (
            "search.alpha_gradient: expected its default, first_order, beside search.m"
        ),
        ("search.final_temperature=1",): "expected its default, 0.1, beside search.met",
    }.items():
        with pytest.raises(ConfigError, match=message):
            config(*more)
