"""The recipes of the method's figures at their smallest scale, and `plot`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from conftest import expect_drawn
from gtn_tf import plots, reports
from gtn_tf.cli.__main__ import main as cli
from gtn_tf.config import load_config
from gtn_tf.reports import FigureSpec


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """Shared, as by a user's recipes."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def experiment(recipe, tmp_path, run_dir, capsys):
    """Runs one, and gives its folder and what it printed."""

    def run(name: str) -> tuple[Path, str]:
        folders = "--out", tmp_path, "--run-dir", run_dir
        recipe(name, "--scale", "smoke", *folders)
        facts = json.loads((tmp_path / "facts.json").read_text())
        assert facts["command"] == f"python cli/{name}.py --scale smoke"
        return tmp_path, capsys.readouterr().out

    return run


def rows(file: Path) -> list[dict[str, str]]:
    with file.open() as lines:
        return list(csv.DictReader(lines))


def check_pictures(folder: Path, *names: str) -> None:
    """They are there, and `plot` draws them again from the tables alone."""
    for name in names:
        expect_drawn(folder / name)
        (folder / name).unlink()
    assert cli(["plot", str(folder)]) == 0
    assert all((folder / name).exists() for name in names)


@pytest.mark.slow
def test_curricula(experiment):
    out, printed = experiment("curricula")
    found = rows(out / "curves.csv")
    assert {row["curriculum"] for row in found} == {
        *("full curriculum", "full curriculum, inputs not learned")
    }
    assert [row["meta_iterations"] for row in found] == ["2", "4"] * 2
    assert all(0 <= float(row["test_accuracy"]) <= 1 for row in found)
    assert len(rows(out / "played_back.csv")) == len(found) == 4
    assert load_config(str(out / "config.yaml")).teacher.steps == 3
    check_pictures(out, "curves.png", "played_back.png")
    assert "full_curriculum_0: run 1 of 2" in printed
    _, again = experiment("curricula")
    assert "run 1 of" not in again and rows(out / "curves.csv") == found


@pytest.mark.slow
def test_teachers_ablation(experiment):
    out, printed = experiment("teachers_ablation")
    (found,) = rows(out / "teachers.csv")
    assert found["teacher"] == "real pixels, rates, soft labels"
    assert 0 <= float(found["mean"]) <= 1 and float(found["cpu_seconds"]) > 0
    curves = rows(out / "digits.csv")
    assert len(curves) == 2
    assert curves[1]["cpu_seconds"] == found["cpu_seconds"]
    check_pictures(out, "digits.png")
    assert "run 1 of" not in experiment("teachers_ablation")[1]


@pytest.mark.slow
def test_inner_loop_data(experiment, run_dir):
    out, printed = experiment("inner_loop_data")
    # The full curriculum is the one that `curricula` trained, if that came before.
    trained = {path.name for path in (run_dir / "smoke").iterdir() if path.is_dir()}
    small = "full_curriculum_parameters_of_distillation_0"
    assert {"full_curriculum_0", "real_data_0", small} <= trained
    distilled = 3 * 10 * 8 * 8 + 2 * 3
    units = load_config(str(run_dir / "smoke" / small / "config.yaml")).generator.units
    stored = stored_parameters(units)
    assert stored <= distilled < stored_parameters(units + 1)
    curves = rows(out / "curves.csv")
    tuned = [row for row in curves if row["source"].startswith("real data, rates")]
    assert [row["step"] for row in tuned] == ["3", "6"]
    assert {float(row["momentum"]) for row in tuned} <= {0.5, 0.9}
    assert len(curves) == 4 * 3 + 2  # four sources, three steps
    assert [row["steps"] for row in rows(out / "steps.csv")] == ["3"] * 4
    check_pictures(out, "curves.png")


def stored_parameters(units: int) -> int:
    """By hand, for 3 steps of 10 images of 8x8 pixels."""
    latents, inputs = 3 * 10 * 3, 3 + 10
    dense = inputs * units + units + 2 * units  # V, g; beta and gamma
    wide = 2 * 2 * 4  # pixels and channels
    reshaped = units * wide + wide + 2 * wide
    convs = 9 * 4 * 2 + 2 + 2 * 2 + 9 * 2 * 1 + 1 + 1
    return latents + dense + reshaped + convs + 2 * 3


@pytest.mark.slow
def test_weight_norm(experiment, run_dir):
    out, _ = experiment("weight_norm")
    oracles = [json.loads(file.read_text()) for file in run_dir.rglob("oracle.json")]
    facts = json.loads((out / "facts.json").read_text())
    assert [oracle["seed"] for oracle in oracles] == [facts["seed"]] * 2
    found = rows(out / "draws.csv")
    drawn = [
        {k: v for k, v in row.items() if k not in ("weight_norm", "meta_loss")}
        for row in found
    ]
    assert len(found) == 4 and drawn[:2] == drawn[2:]  # the same draws for both
    assert drawn[0] != drawn[1]
    losses = [float(row["meta_loss"]) for row in found]
    assert len({*losses}) == 4 and min(losses) > 0
    check_pictures(out, "meta_loss.png")
    experiment("weight_norm")
    assert rows(out / "draws.csv") == found  # nothing was drawn or trained again


@pytest.mark.slow
def test_cifar10(experiment):
    out, _ = experiment("cifar10")
    sources = [row["source"] for row in rows(out / "curves.csv")]
    assert sources == ["full curriculum"] * 6 + ["real-data baseline"] * 6
    with np.load(out / "samples.npz") as samples:
        assert samples["grid"].dtype == np.uint8 and samples["grid"].std() > 0
    check_pictures(out, "curves.png", "samples.png")


def test_figures_of_a_folder_that_has_none(tmp_path, capsys, monkeypatch):
    assert cli(["plot", str(tmp_path)]) == 1
    assert "expected figures.json" in capsys.readouterr().err
    reports.write_figures(tmp_path, [FigureSpec("a.png", "pie", "a.csv")])
    assert cli(["plot", str(tmp_path)]) == 1
    assert "KeyError('pie')" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    assert cli(["plot"]) == 1
    assert "expected folders with results" in capsys.readouterr().err


def test_figures_are_drawn_from_tables(tmp_path, monkeypatch):
    """What is drawn is what the table says: mean and spread of equal places."""
    drawn = {}
    monkeypatch.setattr(plots, "bands", lambda curves, *_: drawn.update(curves))
    (tmp_path / "t.csv").write_text("who,x,y\na,1,0.1\na,2,0.2\na,1,0.3\na,2,0.4\n")
    spec = FigureSpec("t.png", "curves", "t.csv", by="who", x="x", y="y", factor=100)
    reports.write_figures(tmp_path, [spec])
    reports.draw_figures(tmp_path, report=lambda line: None)
    places, values = drawn["a"]
    assert places == [1, 2]
    np.testing.assert_allclose(values, [[10, 20], [30, 40]])


def test_boxes_show_runs_that_are_not_finite(tmp_path):
    found = {"a": [1.0, 2.0, 3.0], "b": [1.0, np.inf, 4.0]}
    plots.boxes(found, "loss", "title", tmp_path / "boxes.png", log_y=True)
    finite = {**found, "b": [1.0, 4.0]}
    plots.boxes(finite, "loss", "title", tmp_path / "finite.png", log_y=True)
    pictures = [
        matplotlib.image.imread(tmp_path / f"{n}.png") for n in ("boxes", "finite")
    ]
    assert pictures[0].shape == pictures[1].shape
    assert (pictures[0] != pictures[1]).any()
