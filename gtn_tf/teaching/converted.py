"""Converts a teacher's curriculum to other runtimes: ONNX and TFLite.

A curriculum is a table: step number in, batch and rates out. It converts to anything.
The generator does not: its random numbers are TensorFlow's own.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from gtn_tf.atomic_file import whole
from gtn_tf.teaching.description import inner_optimizer_of
from gtn_tf.teaching.errors import TeacherError
from gtn_tf.teaching.trained_teacher import TrainedTeacher

_OPSET = 13  # of 2020: any runtime in use knows it


def save_onnx(teacher: TrainedTeacher, path: str | os.PathLike[str]) -> None:
    """Writes the curriculum as an ONNX model.

    Its input is `step`, int32 `[]`; its outputs are those of the SavedModel's signature
    `curriculum`. The description is its metadata `description`.

    Args:
        teacher: The teacher.
        path: The file; its folder is made.

    Raises:
        TeacherError: If the package onnx is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise TeacherError(
            "expected the package onnx to write ONNX, found none; pip install "
            "'gtn_tf[onnx]' gets it"
        ) from None
    from onnx import TensorProto, helper, numpy_helper

    types = {"images": TensorProto.FLOAT, "labels": TensorProto.INT32}
    tables = _tables(teacher)
    nodes, outputs, constants = [], [], []
    for name, table in tables.items():
        constants.append(numpy_helper.from_array(table, f"all_{name}"))
        nodes.append(
            helper.make_node("Gather", [f"all_{name}", "step"], [name], axis=0)
        )
        kind = types.get(name, TensorProto.FLOAT)
        outputs.append(helper.make_tensor_value_info(name, kind, table.shape[1:]))
    step = helper.make_tensor_value_info("step", TensorProto.INT32, [])
    graph = helper.make_graph(nodes, "curriculum", [step], outputs, constants)
    model = helper.make_model(
        graph,
        producer_name="gtn_tf",
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=7,  # of the same year
    )
    helper.set_model_props(model, {"description": json.dumps(teacher.description)})
    onnx.checker.check_model(model)
    _write(path, model.SerializeToString())


def save_tflite(teacher: TrainedTeacher, path: str | os.PathLike[str]) -> None:
    """Writes the curriculum as a TFLite model with the signature `curriculum`.

    Args:
        teacher: The teacher.
        path: The file; its folder is made.
    """
    tables = {name: tf.constant(table) for name, table in _tables(teacher).items()}

    @tf.function(input_signature=[tf.TensorSpec([], tf.int32, "step")])
    def curriculum(step: tf.Tensor) -> dict[str, tf.Tensor]:
        return {name: tf.gather(table, step) for name, table in tables.items()}

    module = tf.Module()
    module.curriculum = curriculum
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, {"curriculum": curriculum})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, ["curriculum"])
        _write(path, converter.convert())


def _tables(teacher: TrainedTeacher) -> dict[str, np.ndarray]:
    named = inner_optimizer_of(teacher.description).values
    images, labels = teacher.unaugmented()
    return {
        "images": images,
        "labels": labels,
        **{
            named[name].name: values.astype("float32")
            for name, values in teacher.hyperparameters.items()
        },
    }


def _write(path: str | os.PathLike[str], content: bytes) -> None:
    path = Path(path).expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as unfinished:
        unfinished.write_bytes(content)
