"""The recipe `architecture_table`: its rows, searches and trainings."""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import shutil
from pathlib import Path

import pytest

from gtn_tf.non_finite import NonFiniteError
from gtn_tf.reports import table
from gtn_tf.reports.literature import TABLES
from gtn_tf.runs import RunError

ROOT = Path(__file__).resolve().parents[2]
SMOKE = "--scale", "smoke", "--data", "digits", "--teacher", "digits"


@pytest.fixture(autouse=True)
def cli_is_on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "cli"))


def module(name: str):
    return importlib.import_module(name)


def read(file: Path) -> list[dict[str, str]]:
    with file.open() as lines:
        return list(csv.DictReader(lines))


def test_every_row_of_the_tables_can_be_computed():
    rows, searches = module("architecture_rows"), module("architecture_search")
    assert {*rows.ROWS} == {row.key for one in TABLES.values() for row in one}
    cells = {row.cell for row in rows.SEARCHED_ROWS.values()}
    methods = cells - {*searches._SEARCHES}
    assert methods == {*searches.SPACES} and methods <= {*module("searches").METHODS}
    spaces = {*searches.SPACES.values(), *searches.CONTROLS.values()}
    assert spaces == {*searches._SPACES}


def test_a_cell_that_two_rows_have_is_trained_once():
    rows = module("architecture_rows")
    answers = {
        "real": rows.Answer(["a"], 1.0, "nao"),
        "evolution": rows.Answer(["a"], 2.0, "nao"),
        "ghn_top": rows.Answer(["b", "a", "c"], 3.0, "nao"),
        "ghn_top_best": rows.Answer(["c"], 4.0, "nao"),
    }
    found = rows.folders(answers)
    assert found[rows.Training("a", cutout=False, wide=False)] == "rs_real"
    assert found[rows.Training("a", cutout=True, wide=True)] == "rs_real_cutout_4f"
    assert found[rows.Training("c", cutout=False, wide=False)] == "ghn_top_3"
    assert found[rows.Training("c", cutout=True, wide=False)] == "ghn_top_best_cutout"
    assert found[rows.Training("enas", cutout=True, wide=False)] == "enas_cutout"
    assert rows.trainings("search_nao", answers) == []
    assert [one.genotype for one in rows.trainings("ghn_top", answers)] == [*"bac"]


def test_parameters_at_full_size():
    rows = module("architecture_rows")
    cells = ["nor_conv_3x3", "nor_conv_1x1"]
    texts = [f"|{c}~0|+|{c}~0|{c}~1|+|{c}~0|{c}~1|{c}~2|" for c in cells]
    every = [rows.Training(text, cutout=False, wide=False) for text in texts]
    first, both = (
        rows.at_full_size("ghn_top", every[:1]),
        rows.at_full_size("ghn_top", every),
    )
    assert first == {"full_size": "N=5 F=16", "full_params": 1531546}  # the benchmark's
    assert 1531546 / 2 < both["full_params"] < 1531546


@pytest.fixture
def run(recipe, tmp_path, monkeypatch):
    """Runs the recipe with searches and trainings of the test."""
    rows, searches = module("architecture_rows"), module("architecture_search")
    recipes = module("architecture_table")
    cell = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    calls: list[str] = []

    def search(name, options):
        calls.append(name)
        if name == "gdas":
            raise NonFiniteError("the loss became nan")
        return rows.Answer([cell, cell.replace("3x3", "1x1")], 5.0, "NAS-Bench-201")

    def train(training, folder, options):
        calls.append(folder)
        if folder == "search_darts_2" and calls.count(folder) == 1:
            raise KeyboardInterrupt
        accuracy = 0.75 if "1x1" in training.genotype else 0.25
        numbers = {"test_accuracy": accuracy, "validation_accuracy": accuracy}
        return [{**numbers, "params": 9, "seconds": 2.0, "dataset": "digits"}]

    monkeypatch.setattr(searches, "_by_method", search)
    monkeypatch.setattr(searches, "train", train)
    monkeypatch.setattr(recipes, "train", train)

    def start(*keys):
        folders = "--out", tmp_path / "out", "--run-dir", tmp_path / "runs"
        recipe("architecture_table", *SMOKE, *folders, "--rows", *keys)
        return {row["key"]: row for row in read(tmp_path / "out" / "rows.csv")}

    return start, calls


def test_a_row_is_computed_once_and_resumes(run, tmp_path, capsys):
    start, calls = run
    keys = "enas", "search_gdas", "search_darts", "enas"
    with pytest.raises(KeyboardInterrupt):
        start(*keys)
    assert calls == ["enas", "gdas", "darts", "search_darts_1", "search_darts_2"]
    assert "no row: the loss became nan" in capsys.readouterr().out
    found = start(*keys)
    assert calls[5:] == ["gdas", "search_darts_1", "search_darts_2"]
    assert [*found] == ["enas", "search_darts"]
    row = found["search_darts"]
    assert (row["error"], row["std"], row["search_seconds"]) == ("50", "35.355339", "5")
    assert row["scale"] == (
        "digits at 8x8, N=0, F=1, 1 epochs; mean of 2 cells; found in NAS-Bench-201"
    )
    assert found["enas"]["scale"] == "digits at 8x8, N=0, F=1, 1 epochs"
    facts = json.loads((tmp_path / "out" / "facts.json").read_text())
    assert facts["rows"] == ["search_darts"] and facts["search"]["filters"] == 1
    assert facts["scorer"] == "real"
    assert [one["rows"] for one in facts["before"]] == [["enas"]]
    whole = (tmp_path / "out" / "facts.json").read_text()
    assert start("enas", "search_darts") == found and len(calls) == 8
    assert (tmp_path / "out" / "facts.json").read_text() == whole


def test_the_best_of_ghn_top_is_chosen_after_the_trainings(run, tmp_path):
    start, calls = run
    found = start("ghn_top_best_cutout")["ghn_top_best_cutout"]
    assert calls == ["ghn_top", "ghn_top_1", "ghn_top_2", "ghn_top_best_cutout"]
    assert found["error"] == "25" and found["search_seconds"] == "9"  # 5 + 2 x 2
    searches = read(tmp_path / "out" / "searches.csv")
    names = [row["search"] for row in searches]
    assert names == ["ghn_top", "ghn_top", "ghn_top_best"]
    assert searches[2]["genotype"] == searches[1]["genotype"]
    assert start("ghn_top")["ghn_top"]["error"] == "50"
    assert calls[4:] == ["ghn_top_1", "ghn_top_2"]  # nothing is searched again


def test_results_that_are_there_stay(recipe, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(ROOT / "results" / "architecture_table", out)
    files = "rows.csv", "searches.csv", "facts.json"
    before = [(out / name).read_text() for name in files]
    keys = [row["key"] for row in read(out / "rows.csv")]
    assert len(keys) >= 14 and {"rs_real", "enas_cutout"} <= {*keys}
    folders = "--out", out, "--run-dir", tmp_path / "runs", "--teacher", "none"
    recipe("architecture_table", *folders, "--rows", *keys)
    assert [(out / name).read_text() for name in files] == before
    assert not (tmp_path / "runs").exists()
    searches = module("architecture_search")
    found = searches.answers(argparse.Namespace(out=out))
    assert found["gtn"].cells == found["real"].cells
    assert {one.space for one in found.values()} <= {*searches.SPACES.values()}


def test_rows_of_other_sizes_are_refused(run, tmp_path):
    start, _ = run
    start("enas")
    facts = json.loads((tmp_path / "out" / "facts.json").read_text())
    facts["scale"]["epochs"] = 600
    (tmp_path / "out" / "facts.json").write_text(json.dumps(facts))
    with pytest.raises(RunError, match="rows with the same epochs, found others"):
        start("enas_cutout")


@pytest.mark.slow
def test_the_smallest_table(recipe, tmp_path):
    command = ["architecture_table", *SMOKE, "--out", tmp_path / "out"]
    recipe(*command, "--run-dir", tmp_path / "runs")
    measured = table.read_measured(tmp_path / "out" / "rows.csv")
    assert list(measured) == ["rs_gtn", "search_random", "enas_cutout"]
    shown = table.comma_separated(measured)
    assert shown.count("digits at 8x8, N=0, F=1, 1 epochs") == 3
    assert shown.count("M, N=6 F=36") == 3
    assert float(measured["rs_gtn"]["search_seconds"]) > 300  # the teacher's counted
    rows = (tmp_path / "out" / "rows.csv").read_text()
    elsewhere = tmp_path / "new"  # the tables alone are enough to go on
    recipe(*command, "--run-dir", elsewhere)
    assert (tmp_path / "out" / "rows.csv").read_text() == rows
    assert not elsewhere.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "key, space",
    [
        ("random_ws", "nao, 5 operations"),
        ("search_gdas", "NAS-Bench-201"),
        ("params_201", "NAS-Bench-201"),
    ],
)
def test_searches_in_other_spaces(recipe, tmp_path, key, space):
    folders = "--out", tmp_path / "out", "--run-dir", tmp_path / "runs"
    recipe("architecture_table", *SMOKE, *folders, "--rows", key)
    (row,) = table.read_measured(tmp_path / "out" / "rows.csv").values()
    assert row["key"] == key and row["scale"].endswith(f"; found in {space}")
    assert float(row["search_seconds"]) > 0
