"""The recipes of cli/ at their smallest scale."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import matplotlib.image

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
