"""Hostile SavedModels: each is refused, and nothing of it has run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow.python.ops import script_ops

import gtn_tf
from gtn_tf.teaching import TeacherError, load_teacher, saved_graph
from gtn_tf.teaching.description import describe
from gtn_tf.teaching.export import export
from hostile import MODELS


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The smallest teacher's SavedModel."""
    teacher = gtn_tf.teachers.DatasetDistillation((2, 2, 1), num_classes=2, steps=2)
    rates = gtn_tf.LearnedSGD(0.1, 0.5, steps=2)
    path = tmp_path_factory.mktemp("good") / "1"
    export(teacher, rates, describe(teacher, rates), path)
    return path


@pytest.fixture
def make(good, tmp_path):
    """Makes a copy, hostile if a name in `MODELS` is given, with or without arrays."""

    def make(name: str = "", arrays: bool = False) -> Path:
        path = shutil.copytree(good, tmp_path / "hostile" / "1")
        if not arrays:
            shutil.rmtree(path / "assets.extra")
        file = path / "saved_model.pb"
        model = SavedModel.FromString(file.read_bytes())
        if name:
            MODELS[name](model.meta_graphs[0], str(tmp_path / "target"))
        file.write_bytes(model.SerializeToString())
        return path

    return make


def forbid(monkeypatch, owner, name):
    def reached(*args, **kwargs):
        raise AssertionError(f"{name} was reached")

    monkeypatch.setattr(owner, name, reached)


# What only their size gives away: found while the computation is built anew.
SIZES = {
    "a circle": "without cycles",
    "a description by another name": "that describes itself",
    "another type of lesson": "DataType int32 not in list",
    "calls that double": "at most 5000 operations",
    "a huge Fill": "known and moderate size",
    "a huge BroadcastTo": "known and moderate size",
    "a huge Range": "known and moderate size",
    "a batch of millions": "known and moderate size",
    "a size that depends on the data": "known and moderate size",
    "many moderate tensors": "known and moderate size",
    "squares by broadcasting": "known and moderate size",
    "a variable of another shape": "expected a variable",
    "a variable of another type": "expected a variable",
}
NO_TEACHER = "expected a teacher's SavedModel with the signatures"


@pytest.mark.parametrize("name", MODELS)
def test_refused(make, tmp_path, monkeypatch, name):
    path = make(name)
    forbid(monkeypatch, tf.saved_model, "load")
    if name not in SIZES:
        forbid(monkeypatch, saved_graph.SavedGraph, "call")
    with pytest.raises(TeacherError) as caught:
        load_teacher(path)
    told = str(caught.value)
    assert "\n" not in told and len(told) < len(str(path)) + 400
    expected = SIZES.get(name, "nothing of it was run")
    assert expected in told or NO_TEACHER in told
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize(
    "name",
    [
        "operation DatasetFromGraph",
        "operation DecodeProtoV2",
        "operation PyFuncStateless",
        "operation StatelessWhile",
        "writes when served",
        "writes when restored",
        "writes in the main graph",
        "a function missing in the map",
        "a constant of a terabyte",
        "object of a user",
        "attribute VarHandleOp container",
        "device of another machine",
        "settings with a cluster",
    ],
)
def test_the_graph_beside_arrays_is_not_even_parsed(make, tmp_path, monkeypatch, name):
    path = make(name, arrays=True)
    forbid(monkeypatch, tf.saved_model, "load")
    with monkeypatch.context() as patch:
        forbid(patch, saved_graph, "check")
        teacher = load_teacher(path)
        assert teacher.steps == 2 and len(teacher.as_dataset()) == 2
    forbid(monkeypatch, saved_graph.SavedGraph, "call")
    with pytest.raises(TeacherError, match="nothing of it was run"):
        teacher.generate([0])
    assert not (tmp_path / "target").exists()


def test_there_are_many():
    assert len(MODELS) >= 60 and set(SIZES) < set(MODELS)


@pytest.mark.parametrize(
    "name",
    [
        "writes when asked for a lesson",
        "dumps for a debugger",
        "calls python of the process",
    ],
)
def test_they_are_hostile(make, tmp_path, monkeypatch, name):
    """What is refused above does harm, were it TensorFlow that loads it."""
    target = tmp_path / "target"
    registered = {"pyfunc_0": lambda rate: target.write_text("owned") and rate}
    monkeypatch.setattr(script_ops._py_funcs, "_funcs", registered)
    lesson = tf.saved_model.load(str(make(name))).signatures["curriculum"]
    assert not target.exists()
    lesson(step=tf.constant(0))
    assert target.exists()


def test_the_good_one_is_read(make):
    teacher = load_teacher(make())
    assert teacher.steps == 2 and teacher.generate([1, 0, 1]).shape == (3, 2, 2, 1)
