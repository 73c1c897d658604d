"""A user's own data from the command line: looked at, trained on, found again."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gtn_tf
from conftest import expect_drawn
from gtn_tf import data, runs
from gtn_tf.cli.__main__ import main
from gtn_tf.config import ConfigError, DataConfig, load_config, to_yaml
from gtn_tf.data.problems import find_problems
from gtn_tf.runs.splits import load_splits

TINY = [
    *("teacher.steps=2", "teacher.batch_size=6", "meta.intermediate_every=0"),
    *("generator.units=4", "generator.filters=2", "teacher.latent_size=3"),
    *("learners.family=mlp", "learners.units=[4]", "meta.batch_size=8"),
    *("meta.iterations=1", "meta.iterations_per_epoch=1"),
    *("evaluation.learners=1", "evaluation.real_data_iterations=0"),
]
RANDOM = np.random.default_rng(0)


def flowers(folder: Path, count: int = 12) -> Path:
    """Class folders of colour pictures, 10 x 14 and 7 x 7."""
    for n in range(count):
        for name, colour in (("rose", 200), ("lily", 90), ("iris", 30)):
            shape = [7, 7, 3] if n % 4 == 0 else [10, 14, 3]
            pixels = colour + RANDOM.integers(0, 40, shape, dtype=np.uint8)
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / name / f"{n}.png")
    return folder


def test_data_is_told_before_anything_is_trained(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = flowers(tmp_path / "flowers")
    words = ["data", "flowers", "data.image_size=[6,8]", "data.resize=crop"]
    assert main([*words, "--plot", "pictures/sheet.png"]) == 0
    shown = capsys.readouterr().out
    table = [line.split() for line in shown.splitlines()]
    assert ["class", "train", "validation", "test"] in table
    assert ["iris", "9", "1", "2"] in table and ["all", "27", "3", "6"] in table
    for line in (
        "flowers: folder of class folders, 3 classes",
        "images: 6 x 8 (height x width), colour",
        "resized (crop) from: 27 of 10 x 14, 9 of 7 x 7",
        "normalised: (pixel - [",
        "no test part: 6 training images are held out for it",
    ):
        assert line in shown
    expect_drawn(tmp_path / "pictures" / "sheet.png")
    assert {path.name for path in folder.iterdir()} == {"rose", "lily", "iris"}


def test_problems_are_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for part in ("train", "test"):
        flowers(tmp_path / "f" / part)
    for n in range(11):
        (tmp_path / "f" / "train" / "iris" / f"{n}.png").unlink()
    for n in range(6):
        (tmp_path / "f" / "test" / "iris" / f"{n}.png").unlink()
    (tmp_path / "f" / "train" / "lily" / "2.png").write_bytes(b"GIF")
    again = (tmp_path / "f" / "train" / "rose" / "3.png").read_bytes()
    (tmp_path / "f" / "test" / "rose" / "again.png").write_bytes(again)
    (tmp_path / "f" / "train" / "lily" / "again.png").write_bytes(again)
    assert main(["data", "f", "data.image_size=7"]) == 0
    shown = capsys.readouterr().out
    for line in (
        "To know:\n",
        "1 broken files are left out: ",
        "classes are uneven, from 1 (iris) to 11 training images (lily)",
        "classes of the test part are uneven: results have the balanced accuracy",
        "fewer than 10 training images of 1 of 3 classes: iris",
        "no validation images of 1 of 3 classes: iris",
        "1 test images are training images, too, such as number ",
        "1 training images are of two classes at once, such as lily and rose",
    ):
        assert line in shown
    assert find_problems(data.load("digits")) == []
    assert main(["data", "digits"]) == 0
    assert "No problem was found." in capsys.readouterr().out


def test_thousands_of_classes_are_summed_up(tmp_path, capsys):
    images = RANDOM.integers(0, 256, [6000, 3, 2], dtype=np.uint8)
    np.savez(tmp_path / "many.npz", images=images, labels=np.arange(6000) % 1000)
    words = ["data", str(tmp_path / "many.npz")]
    assert main([*words, "--plot", str(tmp_path / "sheet.png")]) == 0
    shown = capsys.readouterr().out
    assert "npz file, 1000 classes" in shown and "... 970 more" in shown
    assert "of 1000 classes: 0, 1, 2, 3, 4 and 995 more" in shown
    expect_drawn(tmp_path / "sheet.png")


@pytest.mark.slow
def test_a_run_finds_its_data_again(tmp_path, monkeypatch, capsys, caplog):
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.INFO, "gtn_tf")
    folder = flowers(tmp_path / "flowers")
    for n in range(5, 12):
        (folder / "iris" / f"{n}.png").unlink()
    size = ["data.image_size=[6,8]", "data.resize=pad", "augmentation.mirror=true"]
    assert main(["train", "--data", "flowers", *size, *TINY]) == 0
    assert "flowers: no test part: 5 training" in caplog.text
    run = tmp_path / "runs" / "flowers"
    # One iris, two lilies and two roses are tested.
    summary = json.loads((run / "summary.json").read_text())
    words = f", balanced {summary['test_balanced_accuracy_mean']:.2%} {{}} 0.00%"
    assert words.format("+-") in capsys.readouterr().out
    assert words.format("±") in (run / "README.md").read_text()
    config = load_config(str(run / "config.yaml"))
    assert config.data.path == str(folder) and config.data.image_size == (6, 8)
    teacher = gtn_tf.load_teacher(run)
    assert teacher.class_names == ["iris", "lily", "rose"]
    assert teacher.image_shape == (6, 8, 3)
    assert teacher.description["dataset"] == "flowers"
    balanced = teacher.description["accuracy"]["balanced_mean"]
    assert balanced == summary["test_balanced_accuracy_mean"]
    assert str(folder) not in json.dumps(teacher.description)  # it may be published
    assert (
        runs.data_of_run(run) == runs.data_of_run(run / "export" / "1") == config.data
    )

    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    evaluate = ["evaluate", "--learner", "mlp", "--learners", "1", "--every", "9"]
    evaluate += ["--out", "found", "--teacher"]
    assert main([*evaluate, str(run / "export" / "1")]) == 0
    again = ["train", "--run-dir", str(run), "--resume", *size, *TINY]
    assert main([*again, "--data", str(folder)]) == 0

    folder.rename(tmp_path / "moved")
    assert main([*evaluate, str(run)]) == 1
    problem = capsys.readouterr().err
    assert f"its data was {folder}, where nothing is now; add --data" in problem
    assert main([*evaluate, str(run), "--data", str(tmp_path / "moved")]) == 1
    assert "has an evaluation with dataset 'flowers'" in capsys.readouterr().err
    (tmp_path / "moved").rename(tmp_path / "elsewhere" / "flowers")
    assert main([*evaluate, str(run), "--data", "flowers"]) == 0
    teacher.save_npz("alone.npz")
    assert main([*evaluate, "alone.npz"]) == 1
    assert "says that flowers is what it was trained on; add --data" in (
        capsys.readouterr().err
    )


@pytest.mark.slow
def test_many_classes_and_odd_channels_are_trained_on(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    images = RANDOM.random([400, 5, 7, 4])
    np.savez("many.npz", x_train=images, y_train=np.arange(400) % 40)
    assert main(["train", "--data", "many.npz", *TINY]) == 0
    expect_drawn(tmp_path / "runs" / "many" / "curriculum.png")
    teacher = gtn_tf.load_teacher("runs/many")
    assert teacher.image_shape == (5, 7, 4) and len(teacher.class_names) == 40


@pytest.mark.slow
def test_a_search_and_a_ranking_on_own_data(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    flowers(tmp_path / "flowers")
    words = "search space.name=nas_bench_201 space.filters=2 ranking.candidates=2"
    words += " ranking.scorer=params training.top_k=1 training.epochs=1"
    words += " training.batch_size=8 data.image_size=8 --data flowers"
    assert main(words.split()) == 0
    assert (tmp_path / "runs" / "flowers" / "results.csv").exists()
    images = RANDOM.random([60, 8, 8, 1])
    np.savez("mine.npz", images=images, labels=np.arange(60) % 3)
    cell = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"
    (tmp_path / "cells.txt").write_text(cell)
    words = "rank --genotypes cells.txt --out ranks.csv --filters 1 --scorer params"
    assert main([*words.split(), "--data", "mine.npz"]) == 0


# Settings


@pytest.mark.parametrize(
    "words, problem",
    [
        (
            ["train", "--config", "digits", "--data", "flowers"],
            "flowers/iris/0.png) to ",
        ),
        (
            ["train", "--data", "flowers", "data.image_size=9999"],
            "data.image_size: ima",
        ),
        (
            ["train", "data.path=flowers", "data.image_size=8", "meta.batch_size=99"],
            "meta.batch_size: batch_",
        ),
        (["train", "--data", "a.txt"], "a.txt: expected a folder of class folders"),
        (["train", "data.path=gone"], "gone: expected a folder of class folders"),
        (["train", "data.label_column=x"], "data.label_column: expected its default"),
        (
            ["train", "--data", "flowers", "data.label_column=x"],
            "data.label_column: label_column: expected none for",
        ),
        (["train", "data.resize=pat"], "one of area, crop, pad, received 'pat'; did"),
        (["data", "flowers/rose"], "expected a folder for each of at least 2 classes"),
    ],
)
def test_problems_are_one_line(tmp_path, monkeypatch, capsys, words, problem):
    monkeypatch.chdir(tmp_path)
    flowers(tmp_path / "flowers", count=5)
    (tmp_path / "a.txt").write_text("x")
    assert main(words) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and problem in line
    assert {path.name for path in tmp_path.iterdir()} == {"flowers", "a.txt"}


@pytest.mark.parametrize("command", ["train", "data", "evaluate", "rank"])
def test_neither_a_name_nor_a_path(capsys, command):
    words = [command, *(["--data"] if command != "data" else []), "mnits"]
    words += ["--teacher", "digits"] if command == "evaluate" else []
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    told = capsys.readouterr().err
    assert "or the path of a folder or file that is there" in told
    assert "received 'mnits'; did you mean mnist?" in told


def test_a_name_takes_the_place_of_a_path(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("data: {path: some/where, image_size: 8}")
    words = ["train", "--config", "mine.yaml", "--print-config"]
    assert main(words) == 0
    assert f"path: {tmp_path / 'some' / 'where'}" in capsys.readouterr().out
    assert main([*words, "--data", "mnist"]) == 0
    shown = capsys.readouterr().out
    assert "name: mnist" in shown and "path: ''" in shown


def test_the_data_section(tmp_path):
    chosen = DataConfig(path="x.csv", image_size=[4, 8], image_shape=[2, 3, 1])
    assert chosen.image_size == (4, 8) and chosen.image_shape == (2, 3, 1)
    config = load_config("digits", ["data.path=x", "data.image_size=[4, 8]"])
    (tmp_path / "again.yaml").write_text(to_yaml(config))
    assert load_config(str(tmp_path / "again.yaml")) == config
    for wrong in ({"image_size": -1}, {"image_size": [4]}, {"image_size": [0, 4]},
                  {"image_shape": [4]}, {"image_shape": 4}, {"path": 3},
                  {"on_error": "skip"}, {"image_shape": [4, 4]}):  # fmt: skip
        with pytest.raises(ConfigError, match=f"^data.{next(iter(wrong))}: expected "):
            DataConfig(**wrong)
    small = load_splits(DataConfig(image_size=(4, 6), resize="pad"), None)
    assert small.image_shape == (4, 6, 1)


# The automatic configuration


def test_a_configuration_is_chosen_by_the_data(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    flowers(tmp_path / "flowers")
    words = ["train", "--data", "flowers", "--run-dir", "first"]
    monkeypatch.setattr("gtn_tf.runs.automatic.available_cores", lambda: 2)
    assert main([*words, "--print-config", "seed=4"]) == 0
    shown = capsys.readouterr()
    assert "27 training images of 10 x 14 x 3, 3 classes, 2 cores" in shown.err
    (tmp_path / "printed.yaml").write_text(shown.out)  # the reasons are not YAML
    chosen = load_config("printed.yaml")
    assert chosen.teacher.source == "dataset_distillation" and chosen.seed == 4
    assert chosen.data.image_size == (10, 14) and chosen.meta.batch_size == 27
    assert not (tmp_path / "first").exists()

    small = ["teacher.steps=2", "meta.iterations=2", "meta.iterations_per_epoch=1"]
    small += ["evaluation.learners=1", "evaluation.real_data_iterations=0"]
    small += ["learners.filters=[2,2]", "meta.intermediate_every=0"]
    assert main([*words, *small]) == 0
    assert "settings chosen for 27 training images" in capsys.readouterr().out
    config = load_config("first/config.yaml")
    assert config.teacher.init == "real" and config.learners.filters == (2, 2)
    card = (tmp_path / "first" / "README.md").read_text()
    assert "real" in card  # lessons may show training images
    teacher = gtn_tf.load_teacher("first")
    assert teacher.preprocess([np.zeros([9, 9], np.uint8)]).shape == (1, 10, 14, 3)

    monkeypatch.setattr("gtn_tf.runs.automatic.available_cores", lambda: 64)
    (tmp_path / "first" / "summary.json").unlink()
    assert main([*words, "--resume"]) == 0  # the settings are those of the run
    assert load_config("first/config.yaml") == config
    assert "settings chosen" not in capsys.readouterr().out
    assert main([*words, "--resume", "meta.iterations=3"]) == 1
    assert "meta.iterations: 2 != 3" in capsys.readouterr().err


@pytest.mark.parametrize(
    "override, problem",
    [
        ("meta.iterration=3", "did you mean meta.iterations?"),
        ("teacher.steps=0", "teacher.steps: expected an integer of at least 1"),
        ("data.label_column=x", "label_column: expected none for"),
        ("data.image_size=9999", "image_size must be between"),
    ],
)
def test_mistakes_beside_chosen_settings(
    tmp_path, monkeypatch, capsys, override, problem
):
    monkeypatch.chdir(tmp_path)
    flowers(tmp_path / "flowers", count=5)
    assert main(["train", "data.path=flowers", override]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and problem in line
    assert {path.name for path in tmp_path.iterdir()} == {"flowers"}
