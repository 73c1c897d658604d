"""The recipe `search_methods`: searches with networks, their rows and controls."""

from __future__ import annotations

import csv
import importlib
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest

from conftest import expect_drawn
from gtn_tf.cells import Genotype201
from gtn_tf.cli.__main__ import main as cli
from gtn_tf.reports.literature import NAS_BENCH_201
from gtn_tf.runs import RunError
from gtn_tf.search import Scorer

SMALLEST, LARGEST = (Genotype201([op] * 6) for op in ("none", "nor_conv_3x3"))


@pytest.fixture(autouse=True)
def cli_is_on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "cli"))


def module(name: str):
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    """Accuracies of all cells: 90% and half a point for each convolution."""
    rows = ["arch,cifar10_valid12,cifar10_test200"]
    for cell in Genotype201.all():
        size = sum(op.startswith("nor_conv") for op in cell.ops)
        rows.append(f"{cell},{size},{90 + size / 2}")
    file = tmp_path_factory.mktemp("table") / "table.csv"
    file.write_text("\n".join(rows))
    return file


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open() as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("scores", [[3.0, 1, 5, 2, 4], [2.0, 7, 2, 2, 7], [1.0] * 5])
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_the_best_of_some_is_as_likely_as_by_enumeration(scores, count):
    expected = np.zeros(5)
    draws = [*itertools.combinations(range(5), count)]
    for drawn in draws:
        best = [i for i in drawn if scores[i] == max(scores[j] for j in drawn)]
        expected[best] += 1 / len(best) / len(draws)
    found = module("search_controls").best_of(np.array(scores), count)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_controls_of_a_small_table():
    controls = module("search_controls")
    accuracies = {"a": 90.0, "b": 91.0, "c": 93.0, "d": 92.0}
    params = {"a": 1.0, "b": 9.0, "c": 5.0, "d": 5.0}
    truth = controls.Truth(accuracies)
    assert truth.of(["c"]) == {"test_accuracy": 93.0, "rank": 1.0, "regret": 0.0}
    assert truth.of(["a", "d"]) == {"test_accuracy": 91.0, "rank": 3.0, "regret": 2.0}
    chance, most_of_2, most, by_truth = controls.controls(truth, params, 2)
    assert chance["test_accuracy"] == pytest.approx(91.5)  # the mean of all
    assert chance["rank"] == pytest.approx(2.5)
    assert chance["std"] == pytest.approx(np.std([*accuracies.values()]))
    # Of six pairs: c, c, d by truth where a is; b is the largest of three pairs.
    assert by_truth["test_accuracy"] == pytest.approx((3 * 93 + 2 * 92 + 91) / 6)
    assert by_truth["regret"] == pytest.approx(93 - by_truth["test_accuracy"])
    # b in three pairs; ac, ad; cd, whose sizes are equal.
    assert most_of_2["test_accuracy"] == pytest.approx((3 * 91 + 93 + 92 + 92.5) / 6)
    assert most["test_accuracy"] == 91.0 and most["std"] == 0.0
    assert most["rank"] == 3.0


@pytest.fixture
def search_all(tmp_path, monkeypatch):
    """Runs `search_all` with methods of the test."""
    rows, lab, controls = map(module, ("search_rows", "search_lab", "search_controls"))
    scale = module("search_lab").SIZES["smoke"]._replace(seeds=2)
    truth = controls.Truth({str(SMALLEST): 10.0, str(LARGEST): 94.0})

    def run(methods) -> list[dict]:
        monkeypatch.setattr(rows, "METHODS", methods)
        given = truth, tmp_path / "rows.csv", "flops", None, None, tmp_path / "runs"
        return rows.search_all([*methods], scale, *given)

    return run


def test_no_row_is_made_twice_after_a_kill(search_all, tmp_path):
    searches, made = module("searches"), []

    def method(name, cell, killed_at=None):
        def search(lab):
            if (lab.seed, len(made)) == killed_at:
                raise KeyboardInterrupt
            made.append((name, lab.seed))
            return searches.Found([str(cell)], 3, 1.0, 2.0, 0.5)

        return searches.Method(f"{name}, {{scorer}}", search)

    good = method("good", LARGEST)
    with pytest.raises(KeyboardInterrupt):
        search_all({"good": good, "bad": method("bad", SMALLEST, (1, 3))})
    before = (tmp_path / "rows.csv").read_text().splitlines()
    assert len(before) == 1 + 3 and made == [("good", 0), ("bad", 0), ("good", 1)]
    methods = {"good": good, "bad": method("bad", SMALLEST)}
    found = search_all(methods)
    assert made[3:] == [("bad", 1)]
    whole = (tmp_path / "rows.csv").read_text()
    assert search_all(methods) == found and len(made) == 4  # nothing is left
    assert (tmp_path / "rows.csv").read_text() == whole
    # By method, then by seed; controls have no seed.
    names = [(row["method"], row.get("seed")) for row in found]
    expected = [(f"{n}, flops", seed) for n in ("good", "bad") for seed in (0, 1)]
    assert names[:4] == expected
    assert all(seed is None for _, seed in names[4:]) and len(names) == 4 + 4
    first = rows_of(tmp_path / "rows.csv")[0]
    assert (first["test_accuracy"], first["rank"], first["seconds"]) == (
        "94",
        "1",
        "3.5",
    )


def test_a_search_that_diverges_has_no_row(search_all, capsys):
    searches, errors = module("searches"), module("gtn_tf.non_finite")

    def diverge(lab):
        raise errors.NonFiniteError("the loss became nan")

    found = search_all({"one": searches.Method("one", diverge)})
    assert all("seed" not in row for row in found)
    assert "no row: the loss became nan" in capsys.readouterr().out


class Size(Scorer):
    """Counts convolutions; it fails on the smallest cell."""

    name = "size"

    def __init__(self) -> None:
        self._scored, self._prepared = [], []

    def prepare(self, data, seed) -> None:
        self._prepared.append(seed)

    def __call__(self, candidate, data, seed) -> float:
        self._scored.append(str(candidate.genotype))
        if candidate.genotype == SMALLEST:
            raise RuntimeError("nothing to count")
        return float(str(candidate.genotype).count("conv"))


def test_a_cell_is_scored_once_by_all_searches_of_a_seed(tmp_path, monkeypatch):
    labs, searches = module("search_lab"), module("searches")
    size, lines = Size(), []
    monkeypatch.setattr(labs, "make_scorer", lambda *given, **more: size)
    scale = module("search_lab").SIZES["smoke"]._replace(candidates=30)

    def lab(seed=0):
        given = "size", None, None, tmp_path, lines.append
        return labs.Lab(scale, seed, *given)

    with lab() as first:
        found = searches.METHODS["random"].search(first)
        assert len(size._scored) == 31 and found.scored == 30  # the first one twice
        again = searches.METHODS["random"].search(first)
        by_ranks = searches._by_ranks("", "size")(first)  # of the same cells
        assert len(size._scored) == 31 and size._prepared == [0]
        assert again.scoring == found.scoring == by_ranks.scoring / 2 > 0
        assert found.cells[0].count("conv") == by_ranks.cells[0].count("conv")
        assert math.isnan(first.score("size", SMALLEST)[0])
        assert [line for line in lines if "nothing to count" in line]
    with lab() as second:  # another process
        assert searches.METHODS["random"].search(second).cells == found.cells
        assert math.isnan(second.score("size", SMALLEST)[0])
    assert len(size._scored) == 32
    with lab(seed=1) as third:  # other draws, other scores
        third.score("size", LARGEST)
    assert size._scored[32:] == [str(LARGEST)] * 2


def test_published_values_are_of_the_literature(table, tmp_path):
    searches = module("searches")
    keys = [row.key for row in NAS_BENCH_201]
    assert len(set(keys)) == len(keys)
    used = {one.published for one in searches.METHODS.values()} - {""}
    assert used <= {*keys} and {"rs", "rea", "rsps", "darts_v1", "gdas"} <= used


def search(recipe, table, folder, *words):
    command = ["--table", table, "--scale", "smoke", "--run-dir", folder / "runs"]
    recipe("search_methods", *command, "--out", folder / "out", *words)


def test_searches_by_a_score_without_training(recipe, table, tmp_path):
    methods = "--scorer", "flops", "--methods", "random", "evolution", "params"
    search(recipe, table, tmp_path, *methods)
    out = tmp_path / "out"
    found = rows_of(out / "rows.csv")
    assert [row["method"] for row in found[:3]] == [
        *("random, flops", "evolution, flops", "random, params")
    ]
    for row in found[:3]:
        assert 90 <= float(row["test_accuracy"]) <= 93 and row["seed"] == "0"
        regret = 93 - float(row["test_accuracy"])
        assert float(row["regret"]) == pytest.approx(regret)
        assert row["candidates"] == "3" and float(row["seconds"]) > 0
    page = (out / "README.md").read_text(encoding="utf-8")
    assert "--scale smoke --methods random evolution params --scorer flops" in page
    assert "| random, flops | 1 | " in page and "93.70 \u00b1 0.36 |" in page
    assert f"{NAS_BENCH_201[0].trust} |" in page
    largest = next(row for row in found if "most parameters of 3" in row["method"])
    bar = float(largest["test_accuracy"])
    better = [r["method"] for r in found[:3] if float(r["test_accuracy"]) > bar]
    shown = ", ".join(better) or "none of the searches"
    assert f"{bar:.2f}, which need no search: {shown}.\n" in page
    facts = json.loads((out / "facts.json").read_text())
    assert facts["scale"]["candidates"] == 3 and facts["answer"] == "cifar10_test200"
    # Of a killed command, rows and scores stay.
    whole = (out / "rows.csv").read_text().splitlines(keepends=True)
    (out / "rows.csv").write_text("".join(whole[:3]))
    scores = (tmp_path / "runs/smoke/scores/flops_0.csv").read_text()
    search(recipe, table, tmp_path, *methods)
    assert (out / "rows.csv").read_text().splitlines(keepends=True)[:3] == whole[:3]
    assert (tmp_path / "runs/smoke/scores/flops_0.csv").read_text() == scores
    picture = out / "searches.png"
    expect_drawn(picture)
    picture.unlink()
    assert cli(["plot", str(out)]) == 0 and picture.exists()
    # Another score of the same method goes beside it, with its own command.
    search(recipe, table, tmp_path, "--scorer", "naswot", "--methods", "random")
    beside = [row["method"] for row in rows_of(out / "rows.csv")[:3]]
    assert beside == ["random, flops", "random, naswot", "evolution, flops"]
    page = (out / "README.md").read_text(encoding="utf-8")
    assert page.count("--methods random --scorer naswot\n") == 1
    assert page.count("--methods random evolution params --scorer flops\n") == 1
    facts["scale"]["steps"] = 9
    (out / "facts.json").write_text(json.dumps(facts))
    with pytest.raises(RunError, match="with the same steps.*choose another --out"):
        search(recipe, table, tmp_path, *methods)


@pytest.mark.parametrize(
    "words, expected",
    [
        (["--methods", "gdas", "--table-only"], "--methods: expected some of random"),
        (["--evaluations", "3"], "--evaluations: expected --table-only"),
        (["--scorer", "gtn_tse"], "--teacher: expected one for gtn_tse"),
    ],
)
def test_options_that_do_not_belong_together(recipe, capsys, tmp_path, words, expected):
    with pytest.raises(SystemExit):
        search(recipe, tmp_path / "none", tmp_path, *words)
    assert expected in capsys.readouterr().err


@pytest.mark.slow
def test_every_method_searches(recipe, table, tmp_path):
    search(recipe, table, tmp_path)
    found = rows_of(tmp_path / "out" / "rows.csv")
    names = [row["name"] for row in found if row["seed"]]
    assert names == [*module("searches").METHODS]
    trained = {row["name"]: row for row in found if row["seed"]}
    trainings = "supernet", "darts", "second_order", "gdas", "enas", "pool", "ghn"
    for name in trainings:
        assert float(trained[name]["training_seconds"]) > 0
    assert trained["ghn"]["genotype"] == trained["ghn_top"]["genotype"]
    whole = (tmp_path / "out" / "rows.csv").read_text()
    search(recipe, table, tmp_path)
    assert (tmp_path / "out" / "rows.csv").read_text() == whole


@pytest.mark.slow
def test_a_teacher_scores_candidates(recipe, table, tmp_path):
    words = "--scorer", "gtn_tse", "--teacher", "digits", "--methods", "random"
    search(recipe, table, tmp_path, *words)
    row = rows_of(tmp_path / "out" / "rows.csv")[0]
    assert row["method"] == "random, gtn_tse"
    assert float(row["training_seconds"]) > 60  # the teacher's
