"""Shared weights trained on the lessons of a teacher."""

from __future__ import annotations

import csv
import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from conftest import kill_when_written
from gtn_tf import data, runs
from gtn_tf.cells import Genotype201
from gtn_tf.cli.__main__ import main
from gtn_tf.config import ConfigError, SupernetConfig, load_config
from gtn_tf.data import Splits
from gtn_tf.run_files import RunError
from gtn_tf.runs.teacher_lessons import TeacherLessons, scaled_as
from gtn_tf.supernet import SGD, SharedWeights, SinglePath, SuperNetwork, load_shared
from gtn_tf.teaching import TrainedTeacher

TINY = [
    *("data.name=digits", "data.image_size=0", "data.augment=[]"),
    *("space.cells=0", "space.filters=2", "training.steps=9"),
    *("training.steps_per_epoch=3", "training.tested=2", "training.tested_images=50"),
]


def config(teacher: object, *more: str) -> SupernetConfig:
    words = [*TINY, f"supernet.teacher={json.dumps(str(teacher))}", *more]
    return load_config("supernet_nas_bench_201", words, SupernetConfig)


@pytest.fixture(scope="module")
def digits() -> Splits:
    return data.load("digits", batch_size=32)


@pytest.fixture(scope="module")
def teacher() -> TrainedTeacher:
    bundled = gtn_tf.load_teacher("digits")
    return dataclasses.replace(bundled, labels=bundled.classes)


@pytest.fixture(scope="module")
def soft(teacher, tmp_path_factory) -> Path:
    """A file of a teacher with soft labels."""
    path = tmp_path_factory.mktemp("teachers") / "soft.npz"
    labels = 0.8 * np.eye(10)[teacher.labels] + 0.02
    softened(teacher, labels).save_npz(path)
    return path


def softened(teacher: TrainedTeacher, labels: np.ndarray) -> TrainedTeacher:
    return dataclasses.replace(teacher, labels=labels.astype(np.float32))


# A step


@pytest.fixture(scope="module")
def shared() -> SharedWeights:
    network = SuperNetwork("nas_bench_201", (8, 8, 1), 10, cells=0, filters=2)
    return SharedWeights(network)


def stepped(shared: SharedWeights, images: tf.Tensor, labels: tf.Tensor):
    """The loss before a step, and the weights after it."""
    training = SinglePath(shared, SGD(steps=10))
    code = shared.network.encode(Genotype201(["nor_conv_3x3"] * 6))
    loss = float(training.train(code, images, labels))
    return loss, training.weights.numpy()


def test_a_step_on_a_lesson_is_one_on_its_images_as_data(
    digits, teacher, shared
) -> None:
    lessons = TeacherLessons(teacher, digits, seed=5)
    images, labels = next(iter(lessons.train_batches(2)))
    as_data = dataclasses.replace(
        digits, train_images=images.numpy(), train_labels=labels.numpy()
    )
    loss, weights = stepped(shared, images, labels)
    expected, of_data = stepped(shared, *next(iter(as_data.train)))
    assert loss == pytest.approx(expected, abs=1e-5)
    np.testing.assert_allclose(weights, of_data, atol=1e-5)
    assert np.abs(weights - stepped(shared, *next(iter(digits.train)))[1]).max() > 1e-3


def test_soft_labels_that_are_sure_are_those_classes(teacher, shared) -> None:
    images, labels = (part[0] for part in teacher.unaugmented())
    loss, weights = stepped(shared, images, labels)
    sure = np.eye(10, dtype=np.float32)[labels]
    expected, of_sure = stepped(shared, images, sure)
    assert loss == pytest.approx(expected, abs=1e-5)
    np.testing.assert_allclose(of_sure, weights, atol=1e-5)


def test_the_loss_of_soft_labels_is_their_cross_entropy(shared) -> None:
    rng = np.random.default_rng(0)
    images = rng.normal(size=[12, 8, 8, 1]).astype(np.float32)
    labels = rng.dirichlet(np.ones(10), 12).astype(np.float32)
    network = shared.network
    code = network.encode(Genotype201(["nor_conv_1x1"] * 6))
    training = SinglePath(shared, SGD(steps=10))
    weights, before = shared.of(training.weights, code), network.fresh_statistics(code)
    logits, _ = network(weights, before, images, code, training=True)
    exp = np.exp(logits.numpy().astype(np.float64))
    expected = -np.mean(np.sum(labels * np.log(exp / exp.sum(1, keepdims=True)), 1))
    found = float(training.train(code, images, labels))
    assert found == pytest.approx(expected, abs=1e-5)


def test_lessons_are_normalised_as_the_real_data(digits, teacher) -> None:
    assert scaled_as(digits, teacher) is teacher
    other = {"mean": [0.25], "std": [0.5]}
    pixels = teacher.images * np.array(digits.std) + np.array(digits.mean)
    elsewhere = dataclasses.replace(
        teacher,
        description={**teacher.description, "normalization": other},
        images=((pixels - 0.25) / 0.5).astype(np.float32),
    )
    found = scaled_as(digits, elsewhere)
    np.testing.assert_allclose(found.images, teacher.images, atol=1e-5)
    unknown = {**teacher.description, "normalization": None}
    unknown = dataclasses.replace(teacher, description=unknown)
    assert scaled_as(digits, unknown) is unknown


# The job


@pytest.fixture(scope="module")
def finished(soft, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "whole"
    summary = runs.train_supernet(config(soft), path, report=lambda line: None)
    return path, summary


def rows(path: Path) -> list[dict[str, str]]:
    with (path / "metrics.csv").open() as file:
        found = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if k != "seconds"} for row in found]


def test_a_run_records_its_teacher(finished, soft) -> None:
    path, summary = finished
    digest = gtn_tf.load_teacher(soft).digest
    assert summary == json.loads((path / "summary.json").read_text())
    assert summary["teacher"] == str(soft) and summary["teacher_digest"] == digest
    assert f"teacher {soft}\n({digest})" in (path / "README.md").read_text()
    assert f"teacher: {soft}" in (path / "config.yaml").read_text()
    assert len(rows(path)) == 3 and load_shared(path).dataset == "digits"


def test_interrupted_and_resumed_it_ends_the_same(
    finished, soft, teacher, tmp_path
) -> None:
    path = tmp_path / "run"

    def interrupt(said: str) -> None:
        if said.startswith("epoch 1"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.train_supernet(config(soft), path, report=interrupt)
    content = soft.read_bytes()
    teacher.save_npz(soft)
    with pytest.raises(RunError, match="expected the teacher .*, with which the run b"):
        runs.train_supernet(config(soft), path, resume=True, report=print)
    soft.write_bytes(content)
    resume(path, finished[0], soft)


@pytest.mark.slow
def test_kill_9_and_resume_give_the_same_weights(finished, soft, tmp_path) -> None:
    path = tmp_path / "killed"
    command = [sys.executable, "-m", "gtn_tf.cli", "train-supernet", "--run-dir"]
    words = [*command, path, *TINY, f"supernet.teacher={soft}"]
    kill_when_written(words, path / "checkpoints" / "epoch-00001.index")
    assert not (path / "summary.json").exists()
    resume(path, finished[0], soft)


def resume(path: Path, whole: Path, soft: Path) -> None:
    said: list[str] = []
    runs.train_supernet(config(soft), path, resume=True, report=said.append)
    assert any(line.startswith("resuming after step") for line in said)
    assert rows(path) == rows(whole)
    weights = [load_shared(one).weights for one in (path, whole)]
    np.testing.assert_array_equal(*weights)


@pytest.mark.slow
def test_a_pool_is_trained_on_a_bundled_teacher(tmp_path, capsys) -> None:
    words = ["train-supernet", "--run-dir", str(tmp_path / "run"), *TINY]
    words += ["supernet.teacher=digits", "supernet.architectures=pool"]
    words += ["supernet.pool_size=4", "supernet.renewed=1", "supernet.renew_every=2"]
    assert main([*words, "supernet.predictor_steps=1"]) == 0
    out = capsys.readouterr().out
    assert out.count("pool before step") == 1 and "; found |" in out
    card = (tmp_path / "run" / "README.md").read_text()
    assert "a pool of 4" in card and "the teacher digits\n(" in card


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("digit", "digit: expected a path, or one of the bundled teachers digits, "),
        ("mnist", "teaches 10 classes of images [28, 28, 1]; expected data like that"),
    ],
)
def test_a_teacher_that_cannot_teach_is_one_line(word, message, tmp_path, capsys):
    run = tmp_path / "run"
    words = ["train-supernet", "--run-dir", str(run), *TINY]
    assert main([*words, f"supernet.teacher={word}"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line and not run.exists()


@pytest.mark.parametrize(
    ("word", "received"),
    [("data.augment=[shift]", ".'shift'."), ("data.cutout=3", "3")],
)
def test_augmentations_of_real_images_are_refused(word, received) -> None:
    key = word.partition("=")[0]
    message = f"{key}: expected none beside supernet.teacher, .* received {received}$"
    with pytest.raises(ConfigError, match=message):
        config("digits", word)
