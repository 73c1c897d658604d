"""Published results beside measured ones."""

from __future__ import annotations

import csv
import io
import subprocess
import sys

import pytest

from conftest import expect_drawn
from gtn_tf.reports import table
from gtn_tf.runs import RunError

ROW = {
    "key": "enas_cutout",
    "full_size": "N=6 F=36",
    "full_params": "4587382",
    "scale": "16x16 pixels, N=1, F=8, 10 epochs",
    "params": "51234",
    "error": "31.256",
    "std": "0.42",
    "seeds": "3",
    "search_seconds": "",
    "training_seconds": "412.5",
}


def written(path):
    with path.open("w", newline="") as file:
        rows = csv.DictWriter(file, table.COLUMNS)
        rows.writeheader()
        rows.writerow(ROW)
    return path


def test_what_was_not_run_says_so(tmp_path) -> None:
    rows = list(csv.DictReader(io.StringIO(table.comma_separated({}))))
    assert len(rows) == 32
    assert {row["measured error [%]"] for row in rows} == {"not run"}
    measured = table.read_measured(written(tmp_path / "rows.csv"))
    rows = list(csv.DictReader(io.StringIO(table.comma_separated(measured))))
    (mine,) = [row for row in rows if row["measured error [%]"] != "not run"]
    assert mine["method"] == "ENAS + cutout" and mine["scale"] == ROW["scale"]
    assert mine["measured error [%]"] == "31.26 \u00b1 0.42 (3 seeds)"
    assert mine["params at the scale"] == "0.051M"
    assert mine["published params"] == "4.6M"
    assert mine["params at full size"] == "4.587M, N=6 F=36"
    assert mine["search [s]"] == "" and mine["training [s]"] == "412"
    assert mine["published error [%]"] == "2.89"


def test_a_search_without_a_published_result(tmp_path) -> None:
    rows = list(csv.DictReader(io.StringIO(table.comma_separated({}))))
    (mine,) = [row for row in rows if row["method"] == "Evolution"]
    published = "published error [%]", "published params", "GPU-days"
    assert [mine[name] for name in published] == ["", "", ""]


def test_another_file_is_refused(tmp_path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(RunError, match="expected the columns key,full_size"):
        table.read_measured(path)
    with pytest.raises(RunError, match="expected a CSV file: No such file"):
        table.read_measured(tmp_path / "none.csv")


def test_the_command_prints_and_draws(tmp_path) -> None:
    command = [sys.executable, "-m", "gtn_tf.cli", "table", "--out", str(tmp_path)]
    command += ["--measured", str(written(tmp_path / "rows.csv"))]
    output = subprocess.check_output(command, text=True)
    assert output == (tmp_path / "table.md").read_text()
    assert (
        "| Random search + GTN | 3.84 \u00b1 0.06 | 8.2M | 0.67 | not run |" in output
    )
    expect_drawn(tmp_path / "table.png")
    assert len((tmp_path / "table.csv").read_text().splitlines()) == 33
