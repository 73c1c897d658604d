"""Rank correlation against CPU seconds: curves, what is read of them, the recipe."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from conftest import expect_drawn
from gtn_tf.search import NASBench201Space, ScoringData, make_scorer, score
from gtn_tf.search.ranking import interval, resampled, spearman
from test_recipes import CELLS
from tiny_teacher import make_teacher


def test_a_curve_has_the_scores_of_the_library(module):
    loss_curves, read = module("loss_curves"), module("curve_scores")
    space = NASBench201Space((4, 4, 1), 3, cells=0, filters=1)
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=[12, 4, 4, 1]).astype(np.float32), np.arange(12)
    examples = images, labels % 3
    data = ScoringData(examples, examples, batch_size=3)
    cell = space.candidate(space.sample(rng))
    real = make_scorer("real", steps=4)
    rated = make_scorer("gtn", make_teacher(), steps=4)
    course = loss_curves.Course(real)
    curve = loss_curves.LossCurve(course, 0, block=1)
    row = score(cell, [curve], data, seed=5)
    expected = real.scores(cell, data, 5)
    assert row["accuracy_0"] == expected["real_score"]
    found = read.scores_at([row], 1, 4, 1)
    assert found["accuracy"][4].values == [row["accuracy_0"]]
    assert found["training speed"][4].values == pytest.approx(expected["real_tse"])
    # A shorter training is the beginning of a longer one.
    short = make_scorer("real", steps=2).scores(cell, data, 5)["real_tse"]
    assert found["training speed"][2].values == pytest.approx(short)
    assert 0 < found["training speed"][1].seconds < found["accuracy"][4].seconds
    assert row["traced_0"] == 1
    assert score(cell, [curve], data, seed=5)["traced_0"] == 0
    other = loss_curves.LossCurve(course, 1, block=1)
    # Fresh weights, and other batches.
    assert score(cell, [other], data, seed=5)["loss_1_to_1"] != row["loss_0_to_1"]
    # Another scorer's rates on the same batches: the same until the first update.
    mixed = loss_curves.LossCurve(loss_curves.Course(real, rated), 0, block=1)
    at_rates = score(cell, [mixed], data, seed=5)
    assert at_rates["loss_0_to_1"] == pytest.approx(row["loss_0_to_1"])
    assert at_rates["loss_0_to_4"] != pytest.approx(row["loss_0_to_4"])


def test_scores_read_from_curves(module):
    read = module("curve_scores")
    rows = [
        {
            **{f"loss_{n}_to_{16 * i}": (n + 1) * i for i in range(1, 9)},
            **{f"accuracy_{n}": 0.25 * (n + 1), f"traced_{n}": traced},
            **{f"cpu_training_{n}": took, f"cpu_testing_{n}": 1.0},
        }
        for n in range(2)
        for traced, took in ((1.0, 99.0),)
    ]
    first = {**rows[0], **rows[1]}
    second = {
        **first,
        **{f"traced_{n}": 0.0 for n in range(2)},
        **{f"cpu_training_{n}": 8.0 for n in range(2)},
    }
    del second["loss_0_to_48"]  # not finite
    assert read.lengths(128, 16) == [16, 32, 64, 128]
    one, two = (read.scores_at([first, second], n, 128, 16) for n in (1, 2))
    speed, last = one["training speed"], one["last losses"]
    assert [speed[t].values[0] for t in speed] == [-1, -1.5, -2.5, -4.5]
    assert [last[t].values[0] for t in last] == [-1, -1.5, -3.5, -7.5]
    assert np.isnan(speed[64].values[1]) and np.isnan(last[64].values[1])
    assert last[128].values[1] == -7.5 and np.isnan(speed[128].values[1])
    # Without the cell that was traced, in proportion to the steps.
    assert [speed[t].seconds for t in speed] == [1, 2, 4, 8]
    assert one["accuracy"][128].seconds == 9 and two["accuracy"][128].seconds == 18
    assert two["training speed"][128].values[0] == -1.5 * 4.5
    assert two["training speed"][16].seconds == 2
    assert two["accuracy"][128].values[0] == pytest.approx(0.375)


def test_differences_are_of_the_same_resamples():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=60)
    good, noise = truth + 0.3 * rng.normal(size=60), rng.normal(size=60)
    found = resampled([good, good * 2, noise, [1.0] * 60], truth)
    assert interval(found[0] - found[1]) == (0, 0)
    low, high = interval(found[0] - found[2])
    assert 0.5 < low < spearman(good[None], truth[None])[0] < high
    assert all(map(math.isnan, interval(found[3])))


def test_factors_by_hand(module):
    entries, factors = module("ranking_cost_entries"), module("ranking_cost_tables")
    Score = module("curve_scores").Score
    teacher = entries.Contender("t", Path(), list, 8, made_in=60.0, is_teacher=True)
    real = entries.Contender("real", Path(), list, 16, is_real=True)

    def entry(one, steps, seconds):
        kind = "training speed"
        return entries.Entry(one, 1, kind, steps, "", Score(np.zeros(30), seconds))

    found = [entry(real, 8, 2.0), entry(real, 16, 6.0), entry(teacher, 8, 2.0)]
    for reached, bound, needed in (
        ((0.4, 0.8, 0.6), "", 4.0),
        ((0.4, 0.5, 0.6), ">", 6.0),
        ((0.7, 0.8, 0.6), "<", 2.0),
    ):
        rows = [{"all": one} for one in reached]
        samples = {"all": np.repeat(np.array(reached)[:, None], 100, axis=1)}
        (row,) = factors.factors_of(found, rows, samples, 30)
        assert row["bound"] == bound and row["times"] == pytest.approx(needed / 2)
        assert row["times_with_teacher"] == pytest.approx(needed / (2 + 60 / 30))
        assert row["low"] == (math.inf if bound == ">" else row["times"])


def test_the_cells_of_other_results_come_first(module):
    chosen = module("ranking_cost").chosen
    names = [f"{n:03d}" for n in range(400)]
    before = np.random.default_rng(0).choice(names, 150, replace=False).tolist()
    assert chosen(names, 150) == before and chosen(names, 3) == before[:3]
    more = chosen(names, 300)
    assert more[:150] == before and len({*more}) == 300
    assert sorted(chosen(names[:4], 4)) == names[:4]


@pytest.mark.slow
def test_the_recipe_goes_on_where_it_stopped(recipe, tmp_path, capsys):
    table = ["arch,cifar10_test200"]
    table += [f"{cell},{90 + n}" for n, cell in enumerate(CELLS)]
    (tmp_path / "table.csv").write_text("\n".join(table))
    out = tmp_path / "out"
    command = ["ranking_cost", "--scale", "smoke", "--data", "digits", "--out", out]
    command += ["--table", tmp_path / "table.csv", "--teacher", "first=digits"]
    with pytest.raises(SystemExit, match="--only: expected one of .* did you mean"):
        recipe(*command, "--only", "param")
    with pytest.raises(SystemExit, match="teacher_first.csv: expected one contender"):
        recipe(*command, "first=mnist")
    recipe(*command, "--only", "params", "teacher_first")
    contenders = out / "contenders"
    assert {file.name for file in contenders.glob("*.csv")} == {
        *("params.csv", "teacher_first.csv")
    }
    taught = contenders / "teacher_first.csv"
    whole = taught.read_text()
    taught.write_text("".join(whole.splitlines(keepends=True)[:3]))  # killed
    capsys.readouterr()
    recipe(*command)
    shown = capsys.readouterr().out
    assert "  3/4  accuracy_0 " in shown and "left out" not in shown
    again = taught.read_text().splitlines()
    assert again[:3] == whole.splitlines()[:3]
    losses = [[*csv.DictReader(text)][-1] for text in (again, whole.splitlines())]
    assert losses[0]["loss_0_to_2"] == losses[1]["loss_0_to_2"]
    with (out / "correlations.csv").open() as file:
        rows = [*csv.DictReader(file)]
    lines = {row["line"] for row in rows}
    assert {"teacher first", "real data, SGD 0.1, 0.9", "real data, rates of first"} < (
        lines
    )
    assert {"params", "flops", "synflow", "naswot"} < lines
    steps = {int(r["steps"]) for r in rows if r["line"] == "real data, SGD 0.1, 0.9"}
    assert steps == {2, 4, 8}
    with (out / "factors.csv").open() as file:
        factors = [*csv.DictReader(file)]
    assert {row["real data"] for row in factors} == {
        *("real data, SGD 0.1, 0.9", "real data, rates of first")
    }
    expect_drawn(out / "cost.png")
    assert not (out / "teachers.png").exists()  # one says nothing
    page = (out / "README.md").read_text(encoding="utf-8")
    assert "| teacher first, 4 steps, training speed |" in page
    facts = json.loads((out / "facts.json").read_text())
    assert facts["command"].endswith("--learners 1 --real-learners 1")
    files = {file: file.read_text() for file in contenders.glob("*.csv")}
    recipe(*command, "--plot")
    assert {file: file.read_text() for file in files} == files
    assert (out / "README.md").read_text(encoding="utf-8") == page
    both = "teacher_first", "teacher_second"
    recipe(*command, "second=digits", "--learners", 2, "--only", *both)
    expect_drawn(out / "teachers.png")
    assert "accuracy_1" in taught.read_text()
    assert "teacher first, 2 networks" in (out / "correlations.csv").read_text()
