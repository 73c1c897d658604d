"""Tables from the command line: looked at, trained on, found again; what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_wine

import gtn_tf
from conftest import expect_drawn
from gtn_tf.cli.__main__ import main
from gtn_tf.config import DataConfig, load_config
from gtn_tf.config.automatic import automatic_config, reasons
from gtn_tf.config.cost import DataFacts, iteration_seconds
from gtn_tf.runs import choose_config

TINY = [
    *("teacher.steps=2", "teacher.batch_size=6", "meta.intermediate_every=0"),
    *("learners.units=[4]", "meta.batch_size=8"),
    *("meta.iterations=2", "meta.iterations_per_epoch=1"),
    *("evaluation.learners=1", "evaluation.real_data_iterations=0"),
]


def wine_csv(path: Path) -> Path:
    wine = load_wine()
    header = ",".join([*wine.feature_names, "kind"])
    lines = [",".join(map(str, [*x, f"k{y}"])) for x, y in zip(wine.data, wine.target)]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


COLUMN = "data.label_column=kind"


def test_a_teacher_of_a_table_from_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    wine_csv(tmp_path / "mine.csv")
    assert main(["data", "mine.csv", COLUMN]) == 0
    shown = capsys.readouterr().out
    rows = [line.split() for line in shown.splitlines()]
    for line in (
        "mine: CSV of features, 3 classes",
        "table of 13 features, each standardised: (value - mean) / deviation",
    ):
        assert line in shown
    for row in (["feature", "mean", "deviation"], ["k0", "42", "5", "12"]):
        assert row in rows
    assert "images" not in shown and "proline" in shown

    # All settings are chosen, and then made tiny.
    assert main(["train", "--data", "mine.csv", COLUMN, *TINY]) == 0
    shown = capsys.readouterr().out
    for line in (
        "training examples of 13 features, 3 classes",
        "learners: 2 hidden dense layers of [256, 128] units, since a table has no",
        "no pictures of the curriculum: its lessons are lines of a table",
    ):
        assert line in shown
    assert "curriculum.png" not in shown
    run = tmp_path / "runs" / "mine"
    assert not (run / "curriculum.png").exists() and not (run / "samples").exists()
    card = (run / "README.md").read_text()
    assert "Examples are float32 [13], standardised" in card
    assert "alcohol, malic_acid" in card
    teacher = gtn_tf.load_teacher(run)
    assert teacher.image_shape == (13,) and teacher.description["resize"] is None
    assert teacher.feature_names == load_wine().feature_names
    assert teacher.class_names == ["k0", "k1", "k2"]
    capsys.readouterr()
    assert main(["sample", "--teacher", "runs/mine"]) == 1
    assert "sample: expected pictures, received a table" in capsys.readouterr().err


@pytest.mark.slow
def test_a_teacher_of_a_table_is_evaluated(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    wine_csv(tmp_path / "mine.csv")
    assert main(["train", "--data", "mine.csv", COLUMN, *TINY]) == 0
    evaluate = ["evaluate", "--teacher", "runs/mine", "--learners", "1", "--every", "9"]
    assert main([*evaluate, "--learner", "mlp", "--out", "found"]) == 0
    found = json.loads((tmp_path / "found" / "evaluation.json").read_text())
    assert set(found["results"]) == {"teacher", "shuffled", "real", "real_tuned"}
    capsys.readouterr()
    for options, problem in (
        (["--learner", "conv", "--out", "a"], "learner conv: expected pictures"),
        (["--learner", "nao", "--out", "b"], "learner nao: expected pictures"),
        (["--learner", "mlp", "--out", "c", "--data", "digits"], "[8, 8, 1]"),
    ):
        assert main([*evaluate, *options]) == 1
        assert problem in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    "words, problem",
    [
        (
            ["train", "learners.family=conv"],
            "learners.family: expected mlp beside a table of 13 features, for the "
            "others need pictures, received 'conv'",
        ),
        (
            ["train", "learners.family=[mlp,resnet]", "learners.architectures=2"],
            "resnet",
        ),
        (["train", "learners.family=nao"], "expected mlp beside a table"),
        (["train", "augmentation.mirror=true"], "augmentation: expected none beside a"),
        (
            ["train", "data.image_size=8"],
            "image_size: expected pictures, received a",
        ),
        (
            ["train", "data.cutout=2"],
            "cutout: expected pictures, received a table",
        ),
        (["search"], "space: expected pictures for its cells of convolutions"),
        (["train-final"], "network: expected pictures for its cells of convolutions"),
        (["train-supernet"], "space: expected pictures for its cells of convolutions"),
        (["train-ghn"], "space: expected pictures for its cells of convolutions"),
        (["search-darts"], "space: expected pictures for its cells of convolutions"),
        (["search-enas"], "space: expected pictures for its cells of convolutions"),
    ],
)
def test_jobs_that_need_pictures(tmp_path, monkeypatch, capsys, words, problem):
    monkeypatch.chdir(tmp_path)
    job, *settings = words
    if job != "train":
        settings = ["data.augment=[]", "data.cutout=0", "data.image_size=0"]
    if job not in ("train", "search"):
        settings += ["training.batch_size=8"]
    assert main([job, "--data", "wine", *settings]) == 1
    shown = capsys.readouterr().err
    assert problem in shown.splitlines()[-1]
    assert not (tmp_path / "runs" / "wine" / "export").exists()


@pytest.mark.parametrize("features", [1, 30, 5000])
@pytest.mark.parametrize("classes, examples", [(2, 100), (10, 10**6), (3000, 9000)])
def test_automatic_settings_of_tables(features, classes, examples):
    facts = DataFacts((features,), classes, examples, examples // 9)
    config = automatic_config(facts, cores=2)
    assert config.learners.family == "mlp"
    assert config.meta.batch_size <= examples
    lessons = config.teacher.steps * config.teacher.batch_size
    assert classes <= lessons and (lessons <= examples or examples < 10**4)
    assert len(reasons(config, facts, cores=2)) == 5
    wider = facts._replace(image_shape=(2 * features,))
    assert iteration_seconds(config, facts, 2) < iteration_seconds(config, wider, 2)


def test_settings_are_chosen_by_name():
    lines = []
    config = choose_config(DataConfig("breast_cancer"), cores=2, report=lines.append)
    assert config.data == DataConfig("breast_cancer")
    assert "409 training examples of 30 features, 2 classes" in lines[0]
    assert config.teacher.steps == 409 // 32 and config.meta.batch_size <= 409


def test_a_shape_of_features_is_read(tmp_path):
    (tmp_path / "c.yaml").write_text("data: {path: x.csv, image_shape: [13]}\n")
    assert load_config(str(tmp_path / "c.yaml")).data.image_shape == (13,)


@pytest.mark.slow
@pytest.mark.parametrize("features", [1, 13, 40])
def test_features_are_drawn(tmp_path, features):
    table = np.random.default_rng(0).normal(size=[20, features])
    lines = [",".join(map(str, [*x, n % 2])) for n, x in enumerate(table)]
    names = [f"$word {chr(65 + n)}" for n in range(features)]
    (tmp_path / "t.csv").write_text("\n".join([",".join([*names, "y"]), *lines]))
    picture = tmp_path / "seen" / "t.png"
    assert main(["data", str(tmp_path / "t.csv"), "--plot", str(picture)]) == 0
    expect_drawn(picture)
