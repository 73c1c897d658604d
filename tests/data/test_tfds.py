"""Data sets of tensorflow-datasets by name; none of these is downloaded."""

from __future__ import annotations

import sys
from argparse import Namespace

import numpy as np
import pytest

import gtn_tf
from gtn_tf import data
from gtn_tf.cli.__main__ import main
from gtn_tf.cli.options import teacher_and_data
from gtn_tf.config import ConfigError, DataConfig, load_config
from gtn_tf.data.tfds_source import read_tfds
from gtn_tf.names import is_tfds_name
from gtn_tf.runs.splits import load_splits

tfds = pytest.importorskip("tensorflow_datasets")

COUNT = 30


def pictures(split: str, mixed: bool) -> list[dict]:
    random = np.random.default_rng(len(split))
    found = []
    for n in range(COUNT):
        shape = (6 + n % 3, 8, 3) if mixed else (6, 8, 3)
        pixels = random.integers(0, 256, shape, np.uint8)
        label = -1 if split == "test" and n < 4 else (0, 2)[n % 2]
        found.append({"image": pixels, "label": label})
    return found


class TinyPictures(tfds.core.GeneratorBasedBuilder):
    """Two classes and one that has no pictures; four of the test have no label."""

    VERSION = tfds.core.Version("1.2.0")
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name=name, version="1.2.0", description=name)
        for name in ("even", "mixed", "boxes", "test_only")
    ]

    def _info(self):
        shape = (None, None, 3) if self.builder_config.name == "mixed" else (6, 8, 3)
        features = {
            "image": tfds.features.Image(shape=shape),
            "label": tfds.features.ClassLabel(names=["ant", "bee", "cow"]),
        }
        if self.builder_config.name == "boxes":
            features["label"] = tfds.features.BBoxFeature()
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=("image", "label"),
        )

    def _split_generators(self, dl_manager):
        parts = ["train", "test"]
        if self.builder_config.name == "test_only":
            parts = ["test"]
        return {part: self._generate_examples(part) for part in parts}

    def _generate_examples(self, part):
        mixed = self.builder_config.name == "mixed"
        for n, example in enumerate(pictures(part, mixed)):
            if self.builder_config.name == "boxes":
                example["label"] = tfds.features.BBox(0.0, 0.0, 1.0, 1.0)
            yield n, example


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("tfds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfds.core.utils.gcs_utils, "_is_gcs_disabled", True)
        yield found


def test_a_data_set_by_its_name(folder):
    source = read_tfds("tfds:tiny_pictures", folder)
    assert source.class_names == ("ant", "cow")
    assert source.kind == "tensorflow-datasets" and source.sizes == {(6, 8): 60}
    assert "1 classes have no training images and are left out, such as bee" in (
        source.remarks
    )
    assert any("4 of 30 test images have no label" in x for x in source.remarks)
    found = {one.tobytes(): n for one, n in zip(*source.parts["train"])}
    for one in pictures("train", mixed=False):
        assert found[one["image"].tobytes()] == one["label"] // 2

    splits = data.load("tfds:tiny_pictures/even:1.2.0", data_dir=folder, batch_size=8)
    assert splits.name == "tfds:tiny_pictures/even:1.2.0"
    assert len(splits.test_labels) == 26 and len(splits.validation_labels) >= 2
    assert len(splits.train_labels) + len(splits.validation_labels) == COUNT
    with pytest.raises(gtn_tf.errors.ArgumentError, match="validation_size: expected"):
        data.load("tfds:tiny_pictures", data_dir=folder, validation_size=3)


def test_images_of_several_sizes(folder):
    with pytest.raises(data.DataError, match="some of several; give image_size"):
        read_tfds("tfds:tiny_pictures/mixed", folder)
    chosen = DataConfig("tfds:tiny_pictures/mixed", image_size=(4, 6), resize="crop")
    splits = load_splits(chosen, folder, batch_size=8)
    assert splits.image_shape == (4, 6, 3) and splits.resize == "crop"
    source = read_tfds("tfds:tiny_pictures/mixed", folder, (4, 6), "crop")
    assert source.sizes == {(6, 8): 20, (7, 8): 20, (8, 8): 20}


@pytest.mark.parametrize(
    "name, problem",
    [
        ("tfds:svhn_croped", "has no 'svhn_croped'; did you mean svhn_cropped?"),
        ("tfds:tiny_pictures/boxes", "expected an image and its class, received the"),
        ("tfds:tiny_pictures/test_only", "expected a split called train, received te"),
        ("tfds:tiny_pictures/odd", "cannot be prepared: "),
        ("tfds:tiny_pictures:9.9.9", "cannot be prepared: "),
    ],
)
def test_data_sets_that_cannot_be_used(folder, name, problem):
    with pytest.raises(data.DataError) as caught:
        read_tfds(name, folder)
    text = str(caught.value)
    assert text.startswith(f"{name}: ") and problem in text and "\n" not in text


def test_not_downloaded(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise ConnectionError("no route to host\nand much more")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", refuse)
    with pytest.raises(data.DataError) as caught:
        read_tfds("tfds:mnist", tmp_path)
    text = str(caught.value)
    assert f"tfds:mnist: not in {tmp_path}, and cannot be prepared: Conn" in text
    assert "no route to host; where" in text and "`tfds build mnist`" in text
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(data.DataError, match="expected the package tensorflow-datas"):
        read_tfds("tfds:mnist", tmp_path)


@pytest.mark.parametrize(
    "name", ["tfds:", "tfds:a:b", "tfds:a/../b", "mnist", "tfds:huggingface:a", 3]
)
def test_names_that_are_none(name):
    assert not is_tfds_name(name)
    with pytest.raises(gtn_tf.errors.ArgumentError, match="expected tfds: and a name"):
        read_tfds(name)
    if name != "mnist":
        with pytest.raises(ConfigError, match=r"^data\.name: expected one of digits"):
            DataConfig(name)


@pytest.mark.slow
def test_on_the_command_line(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    where = ["--data-dir", str(folder)]
    assert main(["data", "tfds:tiny_pictures", *where]) == 0
    shown = capsys.readouterr().out
    assert "tfds:tiny_pictures: tensorflow-datasets, 2 classes" in shown
    assert "4 of 30 test images have no label" in shown
    train = ["train", "--data", "tfds:tiny_pictures/mixed", *where]
    small = ["teacher.steps=2", "meta.iterations=1", "meta.iterations_per_epoch=1"]
    small += ["evaluation.learners=1", "evaluation.real_data_iterations=0"]
    small += ["learners.family=mlp", "learners.units=[2]", "meta.intermediate_every=0"]
    assert main([*train, *small]) == 0
    assert "settings chosen for" in capsys.readouterr().out
    run = tmp_path / "runs" / "tiny_pictures-mixed"
    config = load_config(str(run / "config.yaml"))
    assert config.data.name == "tfds:tiny_pictures/mixed"
    assert config.data.image_size == (8, 8)

    def found(teacher: str, name: str | None = None) -> data.Splits:
        options = Namespace(teacher=teacher, data=name, data_dir=folder)
        return teacher_and_data(options)[1]

    name = "tfds:tiny_pictures/mixed"
    assert found(str(run)).image_shape == (8, 8, 3)  # by the run's configuration
    gtn_tf.load_teacher(run).save_npz("alone.npz")
    with pytest.raises(gtn_tf.teaching.TeacherError, match=f"says that {name} is what"):
        found("alone.npz")  # a stranger's file must not choose a download
    assert found("alone.npz", name).image_shape == (8, 8, 3)
