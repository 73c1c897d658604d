"""The recipes of cli/ at their smallest scale."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import matplotlib.image

from gtn_tf.runs import table

ROOT = Path(__file__).resolve().parent.parent


def test_robustness(tmp_path):
    command = [sys.executable, "cli/robustness.py", "--scale", "smoke"]
    folders = ["--out", tmp_path / "out", "--run-dir", tmp_path / "runs"]
    subprocess.run([*command, *folders], cwd=ROOT, check=True, capture_output=True)
    with (tmp_path / "out" / "matrix.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 and rows[-1]["trained_on"] == "real data"
    assert all(0 <= float(row["mean"]) <= 1 for row in rows)
    picture = tmp_path / "out" / "matrix.png"
    assert matplotlib.image.imread(picture).std() > 0
    picture.unlink()
    plot = [*command, *folders, "--plot"]
    subprocess.run(plot, cwd=ROOT, check=True, capture_output=True)
    assert picture.exists()


CELLS = (
    "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|none~1|nor_conv_3x3~2|",
    "|nor_conv_1x1~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|none~1|nor_conv_1x1~2|",
    "|skip_connect~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|none~1|avg_pool_3x3~2|",
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|none~0|none~1|nor_conv_3x3~2|",
)


def test_ranking_of_nas_bench_201(tmp_path):
    table = ["arch,cifar10_test200,cifar10_test12"]
    table += [f"{cell},{90 + n},{80 + n}" for n, cell in enumerate(CELLS)]
    (tmp_path / "table.csv").write_text("\n".join(table))
    words = ["--table", tmp_path / "table.csv"]
    check_ranking("nas_bench_201", tmp_path / "out", words)


def test_ranking_of_nao_cells(tmp_path):
    check_ranking("nao_ranking", tmp_path / "out", [])


def check_ranking(name, out, words):
    command = [sys.executable, f"cli/{name}.py", "--scale", "smoke", "--out", out]
    command += ["--data", "digits", "--teacher", "digits", *words]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with (out / "correlations.csv").open() as file:
        rows = list(csv.DictReader(file))
    whole = {row["score"]: row for row in rows if row["slice"] == "all"}
    expected = ["params", "gtn digits, 2 steps", "real data, 2 steps"]
    assert {*expected, "gtn digits, 2 steps + params"} <= {*whole}
    assert all(row["n"] == "4" for row in whole.values())
    with (out / "costs.csv").open() as file:
        costs = {row["score"]: row for row in csv.DictReader(file)}
    assert float(costs["gtn digits, 2 steps"]["teacher_seconds"]) > 0
    assert all(float(row["seconds_each"]) > 0 for row in costs.values())
    cells = (out / "cells.csv").read_text()
    (out / "scores.png").unlink()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert (out / "cells.csv").read_text() == cells  # nothing was computed again
    assert matplotlib.image.imread(out / "scores.png").std() > 0


def test_comparison_of_searches(tmp_path):
    command = [sys.executable, "cli/search_comparison.py", "--scale", "smoke"]
    command += ["--data", "digits", "--teacher", "digits", "--out", tmp_path / "out"]
    command += ["--run-dir", tmp_path / "runs"]
    for _ in range(2):  # again, nothing is computed
        run = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert b"candidate 1/" not in run.stdout
    with (tmp_path / "out" / "winners.csv").open() as file:
        rows = {row["arm"]: row for row in csv.DictReader(file)}
    assert rows["random"]["candidates"] == rows["real data"]["candidates"] == "1"
    assert all(0 <= float(row["test_accuracy"]) <= 1 for row in rows.values())
    assert matplotlib.image.imread(tmp_path / "out" / "winners.png").std() > 0


def test_table_of_architectures(tmp_path):
    command = [sys.executable, "cli/architecture_table.py", "--scale", "smoke"]
    command += ["--data", "digits", "--teacher", "digits", "--out", tmp_path / "out"]
    command += ["--run-dir", tmp_path / "runs"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    measured = table.read_measured(tmp_path / "out" / "rows.csv")
    assert list(measured) == ["rs_gtn", "enas_cutout"]
    shown = table.comma_separated(measured)
    assert shown.count("8x8 pixels, N=0, F=1, 1 epochs") == 2
    assert float(measured["rs_gtn"]["search_seconds"]) > 300  # the teacher's counted
