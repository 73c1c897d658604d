"""A teacher out of a SavedModel, from whoever it came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow.python.framework import op_def_registry

from gtn_tf.description import read_description
from gtn_tf.teaching.errors import TeacherError, or_refuse
from gtn_tf.teaching.trained_teacher import TrainedTeacher

_SIGNATURES = ("curriculum", "describe", "serving_default")

# A graph is a program. Of the operations that do more than compute, a teacher needs
# these: control flow, assertions and its variables.
_HARMLESS = {
    "Assert",
    "If",
    "Placeholder",
    "ReadVariableOp",
    "StatefulPartitionedCall",
    "VarHandleOp",
    "While",
}
# TensorFlow does not call these stateful, and yet they read files.
_READERS = {"ImmutableConst", "MatchingFiles", "ReadFile", "Restore", "RestoreSlice"}


def read_saved_model(path: Path) -> TrainedTeacher:
    """Reads the teacher that `gtn_tf.export.export` wrote.

    Args:
        path: The folder with `saved_model.pb`.

    Returns:
        The teacher.

    Raises:
        TeacherError: If the SavedModel is damaged, is not a teacher's, or has
            operations that a teacher does not need.
    """
    _expect_harmless(path)
    with or_refuse(
        f"{path}: expected a whole SavedModel, received one that cannot be loaded"
    ):
        loaded = tf.saved_model.load(str(path))
        signatures = dict(loaded.signatures)
    missing = [name for name in _SIGNATURES if name not in signatures]
    if missing:
        raise TeacherError(
            f"{path}: expected a teacher's SavedModel with the signatures "
            f"{', '.join(_SIGNATURES)}, found {', '.join(signatures) or 'none'}"
        )
    with or_refuse(f"{path}: expected a teacher that answers, received one that fails"):
        return _read(path, loaded, signatures)


def _read(path: Path, loaded: Any, signatures: dict[str, Any]) -> TrainedTeacher:
    text = signatures["describe"]()["description"].numpy()
    try:
        description = read_description(text)
    except ValueError as error:
        raise TeacherError(f"{path}: {error}") from None
    lessons = [
        signatures["curriculum"](step=tf.constant(step))
        for step in range(description["steps"])
    ]

    def stack(key: str) -> np.ndarray:
        return np.stack([lesson[key].numpy() for lesson in lessons])

    def make_images(labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        # By way of `loaded`: the variables live as long as it does.
        return loaded.signatures["serving_default"](labels=labels, seed=seed)["images"]

    return TrainedTeacher(
        description,
        stack("images"),
        stack("labels"),
        stack("learning_rate"),
        stack("momentum"),
        str(path),
        make_images,
    )


def _expect_harmless(path: Path) -> None:
    file = path / "saved_model.pb"
    others = {one.name for one in path.glob("saved_model.*")} - {file.name}
    if others:  # TensorFlow might take one of them instead
        raise TeacherError(
            f"{path}: expected {file.name} alone, found {', '.join(sorted(others))}"
        )
    with or_refuse(
        f"{file}: expected a whole SavedModel, received a file that cannot be read"
    ):
        model = SavedModel.FromString(file.read_bytes())
    if len(model.meta_graphs) != 1 or not model.meta_graphs[0].HasField(
        "object_graph_def"
    ):
        raise TeacherError(
            f"{path}: expected a SavedModel of TensorFlow 2, received one of "
            "TensorFlow 1, or of several graphs"
        )
    for name in sorted(_operations(model.meta_graphs[0]) - _HARMLESS):
        if name in _READERS or _does_more_than_compute(name):
            raise TeacherError(
                f"{path}: expected a graph that only computes, received one with the "
                f"operation {name}; nothing of it was run"
            )


def _operations(graph: MetaGraphDef) -> set[str]:
    """Names of all operations in the functions that loading makes callable.

    What else is in the file, such as the functions that once saved it, never runs.
    """
    functions = {one.signature.name: one for one in graph.graph_def.library.function}
    todo = list(graph.object_graph_def.concrete_functions)
    seen: set[str] = set()
    found: set[str] = set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        if name not in functions:  # an operation: calls may name either
            found.add(name)
            continue
        for node in functions[name].node_def:
            todo.append(node.op)
            for value in node.attr.values():
                todo += [f.name for f in (value.func, *value.list.func) if f.name]
    return found


def _does_more_than_compute(name: str) -> bool:
    operation = op_def_registry.get(name)
    return operation is None or operation.is_stateful  # an unknown one may
