"""The recipes of cli/ at their smallest scale."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest

from conftest import expect_drawn
from gtn_tf.cells import Genotype201
from gtn_tf.cli.__main__ import main as cli


@pytest.mark.slow
def test_robustness(recipe, tmp_path):
    out = tmp_path / "out"
    folders = "--out", out, "--run-dir", tmp_path / "runs"
    recipe("robustness", "--scale", "smoke", *folders)
    with (out / "matrix.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 and rows[-1]["trained_on"] == "real data"
    assert all(0 <= float(row["mean"]) <= 1 for row in rows)
    picture = out / "matrix.png"
    expect_drawn(picture)
    picture.unlink()
    assert cli(["plot", str(out)]) == 0 and picture.exists()


@pytest.mark.slow
def test_own_data(recipe, tmp_path):
    folders = "--out", tmp_path / "out", "--run-dir", tmp_path / "runs"
    recipe("own_data", "--scale", "smoke", *folders)
    with (tmp_path / "out" / "results.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert row["set"] == "patches" and 0 <= float(row["teacher_mean"]) <= 1
    assert float(row["seconds"]) > 0
    picture = tmp_path / "runs/smoke/own_data/data/patches/test/china/00_00.png"
    assert picture.exists()


CELLS = (
    "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|none~1|nor_conv_3x3~2|",
    "|nor_conv_1x1~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|none~1|nor_conv_1x1~2|",
    "|skip_connect~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|none~1|avg_pool_3x3~2|",
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|none~0|none~1|nor_conv_3x3~2|",
)


@pytest.mark.slow
def test_ranking_of_nas_bench_201(recipe, tmp_path):
    table = ["arch,cifar10_test200,cifar10_test12"]
    table += [f"{cell},{90 + n},{80 + n}" for n, cell in enumerate(CELLS)]
    (tmp_path / "table.csv").write_text("\n".join(table))
    words = ["--table", tmp_path / "table.csv"]
    check_ranking(recipe, "nas_bench_201", tmp_path / "out", words)
    with (tmp_path / "out" / "correlations.csv").open() as file:
        scores = {row["score"] for row in csv.DictReader(file)}
    for kind in ("new", "fixed"):
        assert f"{kind} real images, rates of digits, 2 steps" in scores


@pytest.mark.slow
def test_ranking_of_nao_cells(recipe, tmp_path):
    check_ranking(recipe, "nao_ranking", tmp_path / "out", [])


def check_ranking(recipe, name, out, words):
    command = [name, "--scale", "smoke", "--out", out, *words]
    command += ["--data", "digits", "--teacher", "digits"]
    recipe(*command)
    with (out / "correlations.csv").open() as file:
        rows = list(csv.DictReader(file))
    whole = {row["score"]: row for row in rows if row["slice"] == "all"}
    expected = ["params", "gtn digits, 2 steps", "real data, 2 steps"]
    assert {*expected, "gtn digits, 2 steps + params"} <= {*whole}
    assert all(row["n"] == "2" for row in whole.values())
    with (out / "costs.csv").open() as file:
        costs = {row["score"]: row for row in csv.DictReader(file)}
    assert float(costs["gtn digits, 2 steps"]["teacher_seconds"]) > 0
    assert all(float(row["seconds_each"]) > 0 for row in costs.values())
    cells = (out / "cells.csv").read_text()
    (out / "scores.png").unlink()
    recipe(*command)
    assert (out / "cells.csv").read_text() == cells  # nothing was computed again
    expect_drawn(out / "scores.png")


def test_differences_of_correlations(module, tmp_path):
    rng = np.random.default_rng(0)
    truth = np.append(rng.normal(size=60), math.nan)  # the last one's training failed
    noises = [0.2, 0.5, 1.0, 2.0]
    noisy = [truth + noise * rng.normal(size=61) for noise in noises]
    taught, real, params, other = (np.nan_to_num(one) for one in noisy)
    taught[5] = math.nan  # ranks last
    speed = ", training speed"
    columns = {"gtn t, 8 steps": taught, "real data, 8 steps": real, "params": params}
    columns |= {"real data, 9 steps": other, f"gtn t, 8 steps{speed}": taught}
    (tmp_path / "facts.json").write_text('{"teachers": []}')
    rankings = module("rankings")
    rankings.compare([{}], columns, truth.tolist(), "accuracy", None, tmp_path)
    with (tmp_path / "correlations.csv").open() as file:
        rows = {(row["score"], row["slice"]): row for row in csv.DictReader(file)}
    others = {"params": "params", "real data": "real data, 8 steps"}
    for part in ("all", "best half"):
        found = {name: float(rows[name, part]["spearman"]) for name in columns}
        row = rows["gtn t, 8 steps", part]
        for label, other in others.items():
            minus = found["gtn t, 8 steps"] - found[other]
            assert float(row[f"minus {label}"]) == pytest.approx(minus, abs=1e-6)
            low, high = (float(row[f"minus {label} {end}"]) for end in ("low", "high"))
            assert low < minus < high
    assert float(rows["gtn t, 8 steps", "all"]["minus params low"]) > 0
    assert not rows["params", "all"]["minus params"]
    assert not rows[f"gtn t, 8 steps{speed}", "all"]["minus real data"]  # not alike
    assert not rows["gtn t, 8 steps", "top half"]["minus params"]


@pytest.mark.slow
def test_comparison_of_searches(recipe, tmp_path, capsys):
    command = ["search_comparison", "--scale", "smoke", "--out", tmp_path / "out"]
    command += ["--data", "digits", "--teacher", "digits"]
    command += ["--run-dir", tmp_path / "runs"]
    recipe(*command)
    shown = capsys.readouterr().out
    assert "\n  candidate 1/" in shown and "\ncandidate" not in shown
    recipe(*command)  # nothing is computed again
    assert "candidate 1/" not in capsys.readouterr().out
    with (tmp_path / "out" / "winners.csv").open() as file:
        rows = {row["arm"]: row for row in csv.DictReader(file)}
    assert rows["random"]["candidates"] == rows["real data"]["candidates"] == "1"
    assert all(0 <= float(row["test_accuracy"]) <= 1 for row in rows.values())
    expect_drawn(tmp_path / "out" / "winners.png")


def test_search_methods_by_a_table(recipe, tmp_path):
    rows = ["arch,cifar10_valid12,cifar10_test200"]
    for cell in Genotype201.all():
        size = sum(op.startswith("nor_conv") for op in cell.ops)
        rows.append(f"{cell},{size},{90 + size / 2}")
    (tmp_path / "table.csv").write_text("\n".join(rows))
    command = ["search_methods", "--table-only", "--scale", "smoke"]
    command += ["--table", tmp_path / "table.csv", "--out", tmp_path / "out"]
    recipe(*command)
    file = tmp_path / "out" / "table_only.csv"
    whole = file.read_text()
    with file.open() as lines:
        found = list(csv.DictReader(lines))
    assert [*found[0]] == ["method", "evaluations", "mean", "std", "seeds"]
    assert [row["method"] for row in found[::2]] == [
        *("random", "evolution", "reinforce", "reinforce, repeats counted", "local"),
        *("nao", "controller"),
    ]
    for first, second in zip(found[::2], found[1::2]):
        assert 90 < float(first["mean"]) <= float(second["mean"]) <= 93
    file.write_text("".join(whole.splitlines(keepends=True)[:5]))  # killed
    recipe(*command)
    assert file.read_text() == whole
    recipe(*command, "--methods", "random", "local")
    facts = json.loads((tmp_path / "out" / "facts.json").read_text())
    assert [*facts["settings"]] == ["random", "local"]
    others = [[*one["settings"]] for one in facts["before"]]
    assert others == [["evolution", "reinforce", "nao", "controller"]]


@pytest.mark.slow
def test_memory_of_own_data(recipe, tmp_path):
    out = tmp_path / "own_data" / "memory.md"
    recipe("own_data_memory", "--scale", "smoke", "--out", out)
    page = out.read_text(encoding="utf-8")
    assert "300 PNG files of 64 x 64 pixels" in page
    assert "| until decoding begins | not done | not done |" in page  # it is small
    assert "| memory at most | 0." in page or "| memory at most | 1." in page
