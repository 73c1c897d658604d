"""Learning curves over fresh learners, and pictures of a curriculum."""

from __future__ import annotations

import csv
import dataclasses
import json

import matplotlib.image
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from conftest import expect_drawn
from gtn_tf import data, runs
from gtn_tf.evaluation import FreshLearner, RealLessons, shuffled
from gtn_tf.learners import named_learner
from gtn_tf.supernet import SuperNetwork, held_out_genotype
from gtn_tf.teaching import TeacherError, TrainedTeacher

STEPS, BATCH = 3, 20


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


@pytest.fixture(scope="module")
def teacher(digits):
    """Real digits as a curriculum: easy to learn from."""
    count = STEPS * BATCH
    return TrainedTeacher(
        {
            "image_shape": list(digits.image_shape),
            "class_names": list(digits.class_names),
            "steps": STEPS,
            "batch_size": BATCH,
            "normalization": {"mean": list(digits.mean), "std": list(digits.std)},
            "accuracy": None,
        },
        digits.train_images[:count].reshape([STEPS, BATCH, 8, 8, 1]),
        digits.train_labels[:count].reshape([STEPS, BATCH]),
        dict.fromkeys(["learning_rates", "momenta"], np.full(STEPS, 0.5, np.float32)),
    )


def evaluate(
    teacher, digits, folder, report=lambda line: None, learner="mlp", **kwargs
):
    settings = {"learners": 2, "every": 2, "sources": ("teacher", "real"), **kwargs}
    return runs.evaluate(teacher, digits, learner, folder, report=report, **settings)


def test_curves(teacher, digits, tmp_path):
    found = evaluate(teacher, digits, tmp_path, sources=tuple(runs.SOURCES))
    with (tmp_path / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 2 * 2 and {row["step"] for row in rows} == {"2", "3"}
    assert json.loads((tmp_path / "evaluation.json").read_text()) == found
    last = [float(r["accuracy"]) for r in rows if r["step"] == "3"][:2]
    assert found["results"]["teacher"]["mean"] == pytest.approx(np.mean(last))
    assert found["results"]["teacher"]["std"] == pytest.approx(np.std(last, ddof=1))
    assert found["results"]["teacher"]["mean"] > 0.2
    expect_drawn(tmp_path / "curves.png")
    assert [*rows[0]] == ["source", "learner", "step", "accuracy"]
    assert {*found["results"]["teacher"]} == {"mean", "std"}


def test_balanced_accuracy_of_uneven_classes(teacher, digits, tmp_path):
    """Of two classes, one ten times as large."""
    zeros, ones = (np.flatnonzero(digits.test_labels == label) for label in (0, 1))
    kept = [*zeros[:30], *ones[:3]]
    uneven = dataclasses.replace(
        digits,
        test_images=digits.test_images[kept],
        test_labels=digits.test_labels[kept],
    )
    told = []
    found = evaluate(teacher, uneven, tmp_path, told.append, sources=("teacher",))
    table = (tmp_path / "curves.csv").read_text()
    rows = [*csv.DictReader(table.splitlines())]
    for row in rows:
        # Some w of 30 and some v of 3 images are right.
        measured = float(row["accuracy"]), float(row["balanced_accuracy"])
        possible = [
            ((w + v) / 33, (w / 30 + v / 3) / 2) for w in range(31) for v in range(4)
        ]
        assert min(np.abs(np.subtract(possible, measured)).max(axis=1)) < 1e-9
    last = [float(row["balanced_accuracy"]) for row in rows if row["step"] == "3"]
    result = found["results"]["teacher"]
    assert result["balanced_mean"] == pytest.approx(np.mean(last))
    assert result["balanced_std"] == pytest.approx(np.std(last, ddof=1))
    assert f", balanced {last[1]:.2%}  " in told[-1]
    # An earlier version wrote no such column: those learners are taught again.
    old = "\n".join(line.rpartition(",")[0] for line in table.splitlines())
    (tmp_path / "curves.csv").write_text(f"{old}\n")
    assert evaluate(teacher, uneven, tmp_path, sources=("teacher",)) == found
    assert (tmp_path / "curves.csv").read_text() == table


@pytest.mark.slow
def test_every_learner_of_a_space_is_another_architecture(teacher, digits, tmp_path):
    network = SuperNetwork("nas_bench_201", digits.image_shape, 10, cells=0)
    drawn = [held_out_genotype("nas_bench_201", number) for number in range(10)]
    assert len({*drawn}) == 10
    assert all(network.is_held_out(network.encode(one)) for one in drawn)
    nao = held_out_genotype("nao", 1)
    assert nao != held_out_genotype("nao", 2)
    assert SuperNetwork("nao", (2, 2, 1), 2, 0, 1).encode(nao).shape == [40]
    sources, learner = ("teacher",), "nas_bench_201"
    both = evaluate(teacher, digits, tmp_path / "2", learner=learner, sources=sources)
    settings = {"learner": learner, "sources": sources, "learners": 1}
    one = evaluate(teacher, digits, tmp_path / "1", **settings)
    curves = [(tmp_path / folder / "curves.csv").read_text() for folder in "12"]
    assert curves[1].startswith(curves[0]) and both != one


def test_an_interrupted_evaluation_goes_on(teacher, digits, tmp_path):
    whole = evaluate(teacher, digits, tmp_path / "whole")
    lines = []

    def interrupt(line):
        lines.append(line)
        if len(lines) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(teacher, digits, tmp_path / "parts", interrupt)
    done = (tmp_path / "parts" / "curves.csv").read_text()
    assert len(done.splitlines()) == 1 + 3 * 2
    # A line cut short, as by a copy that was interrupted, is measured again.
    (tmp_path / "parts" / "curves.csv").write_text(done.rpartition("real,")[0])
    assert evaluate(teacher, digits, tmp_path / "parts") == whole
    curves = [(tmp_path / one / "curves.csv").read_text() for one in ("whole", "parts")]
    assert curves[0] == curves[1]
    with pytest.raises(runs.RunError, match="with learners 2, not 5; choose another"):
        evaluate(teacher, digits, tmp_path / "whole", learners=5)


@pytest.mark.parametrize(
    "name, text",
    [
        ("evaluation.json", "{"),
        ("evaluation.json", "[1]"),
        ("curves.csv", "source,learner\nreal,1\n"),
        ("curves.csv", "source,learner,step,accuracy\nreal,one,1,0.5\n"),
        ("curves.csv", "source,learner,step,accuracy\nreal,1\n"),
        ("curves.csv", b"\xff"),
    ],
)
def test_damaged_files_of_an_evaluation(teacher, digits, tmp_path, name, text):
    evaluate(teacher, digits, tmp_path, learners=1, sources=("teacher",))
    content = text if isinstance(text, bytes) else text.encode()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(runs.RunError, match=f"{name}.*move (it|the file) away"):
        evaluate(teacher, digits, tmp_path, learners=1, sources=("teacher",))
    assert (tmp_path / name).read_bytes() == content


def test_data_that_does_not_fit(teacher, digits, tmp_path):
    other = TrainedTeacher(
        {**teacher.description, "image_shape": [4, 4, 1]},
        teacher.images[:, :, :4, :4],
        teacher.labels,
        teacher.hyperparameters,
    )
    with pytest.raises(TeacherError, match=r"10 classes of images \[4, 4, 1\]"):
        evaluate(other, digits, tmp_path)


def test_a_fresh_learner_forgets(teacher, digits):
    """A learner's curve does not depend on those taught before it."""
    lessons = teacher.images, teacher.labels
    curves = []
    for seeds in ([(1, 0), (1, 1)], [(1, 1)]):
        model = named_learner("keras_conv", digits.image_shape, 10)
        learner = FreshLearner(model, teacher.optimizer())
        curves.append(
            [learner.curve(lessons, digits.test, [1, STEPS], seed) for seed in seeds]
        )
    np.testing.assert_allclose(curves[0][1], curves[1][0])
    assert not np.allclose(curves[0][0], curves[0][1])


def test_sources(teacher, digits):
    real = RealLessons(digits, teacher)
    images, labels = real.lessons(0)
    assert images.shape == teacher.images.shape and labels.shape == (STEPS, BATCH)
    np.testing.assert_array_equal(images, real.lessons(0)[0])
    assert not np.array_equal(images, real.lessons(1)[0])
    orders = {tuple(shuffled(teacher, seed)[1][:, 0]) for seed in range(20)}
    assert len(orders) > 1
    images, _ = next(iter(real.test))  # on the teacher's scale
    np.testing.assert_allclose(images, digits.test_images[:500], atol=1e-5)


@pytest.mark.slow
def test_pictures(teacher, tmp_path):
    runs.sample(teacher, tmp_path, report=lambda line: None)
    names = {path.name for path in tmp_path.iterdir()}
    steps = {f"step-00{step}.png" for step in (1, 2, 3)}
    classes = {f"class-{label}.png" for label in range(10)}
    assert names == {"curriculum.png", "curriculum.gif", *steps, *classes}
    for name in names - {"curriculum.gif"}:
        expect_drawn(tmp_path / name)
    with Image.open(tmp_path / "curriculum.gif") as animation:
        assert animation.n_frames == STEPS
    (tmp_path / "file").write_text("")
    with pytest.raises(runs.RunError, match="expected a folder to write to"):
        runs.sample(teacher, tmp_path / "file")


def test_scale_of_an_unknown_normalisation(teacher, tmp_path):
    about = {**teacher.description, "normalization": None}
    arrays = teacher.images, teacher.labels, teacher.hyperparameters
    runs.sample(TrainedTeacher(about, *arrays), tmp_path, report=lambda line: None)
    picture = matplotlib.image.imread(tmp_path / "curriculum.png")
    assert picture.min() < 0.1


@pytest.mark.parametrize("name", ["conv", "conv_pooled", "mlp", "keras_conv", "resnet"])
@pytest.mark.parametrize("shape", [(8, 8, 1), (32, 32, 3)])
def test_named_learners(name, shape):
    model = named_learner(name, shape, 7)
    assert model(tf.zeros([2, *shape])).shape == (2, 7)
    with pytest.raises(ValueError, match="did you mean resnet"):
        named_learner("resnett", shape, 7)
