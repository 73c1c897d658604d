"""A trained teacher as a SavedModel that needs nothing but TensorFlow."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.config_pb2 import ConfigProto
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from gtn_tf.atomic_file import whole_folder
from gtn_tf.inner import InnerOptimizer
from gtn_tf.teachers import Teacher
from gtn_tf.teaching.lessons import INSIDE, write_lessons

_SEED = (0, 0)  # for a random curriculum; the file holds one draw of it


def export(
    teacher: Teacher,
    inner_optimizer: InnerOptimizer,
    description: dict[str, Any],
    path: str | os.PathLike[str],
) -> None:
    """Writes the SavedModel; an older one at the same place is replaced.

    It has three signatures. `serving_default(labels int32 [n], seed int32 [2])` gives
    `images [n, h, w, c]` and `labels [n]`; an image is a function of the seed, its
    label and its place, not of the other labels. `curriculum(step int32)` gives the
    `images [batch, h, w, c]` and `labels [batch]` of an inner step, counted from 0,
    with its hyperparameters, such as `learning_rate`. `describe()` gives the
    `description`, a JSON string. The lessons are also saved as arrays in
    `assets.extra/teacher.npz`, which `load_teacher` reads without running a graph.

    Args:
        teacher: The trained teacher.
        inner_optimizer: The learners' optimizer.
        description: From `gtn_tf.teaching.description.describe`.
        path: Folder to write, such as `"runs/digits/export/1"`.

    Raises:
        ValueError: If the teacher has nothing of its own to export.

    Example:

    >>> import tempfile, gtn_tf
    >>> from gtn_tf.teaching.description import describe
    >>> teacher = gtn_tf.teachers.DatasetDistillation((8, 8, 1), 10, steps=2)
    >>> path, optimizer = tempfile.mkdtemp() + "/1", gtn_tf.LearnedSGD(steps=2)
    >>> export(teacher, optimizer, describe(teacher, optimizer), path)
    >>> served = tf.saved_model.load(path).signatures["serving_default"]
    >>> images = served(labels=tf.constant([3]), seed=tf.constant([0, 1]))["images"]
    >>> images.shape
    TensorShape([1, 8, 8, 1])
    """
    teacher.prepare_to_serve()
    module = tf.Module()
    # Kept as a plain list: Keras layers would save gtn_tf's classes, too.
    module.state = [*teacher.variables, *inner_optimizer.variables]
    signatures = {
        "serving_default": _serving(teacher),
        "curriculum": _curriculum(teacher, inner_optimizer),
        "describe": _describe(json.dumps(description)),
    }
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    with whole_folder(Path(path).expanduser()) as unfinished:
        tf.saved_model.save(module, str(unfinished), signatures, options)
        _forget_training(unfinished / "saved_model.pb")
        lessons = _lessons(signatures["curriculum"], teacher.steps, inner_optimizer)
        write_lessons(unfinished / INSIDE, description, lessons)
        # A checksum of the graph as it was before.
        (unfinished / "fingerprint.pb").unlink(missing_ok=True)


def _forget_training(file: Path) -> None:
    """Removes the names of the layers' custom gradients and workers from the graph.

    Nobody trains through an export, and TensorFlow would warn of each name without a
    function when it loads the file.
    """
    model = SavedModel.FromString(file.read_bytes())
    for graph in model.meta_graphs:
        nodes = [graph.graph_def.node]
        nodes += [one.node_def for one in graph.graph_def.library.function]
        for node in itertools.chain(*nodes):
            node.attr.pop("_gradient_op_type", None)
            if "config_proto" in node.attr:
                own = node.attr["config_proto"]
                own.s = _without_workers(own.s)
    file.write_bytes(model.SerializeToString())


def _without_workers(settings: bytes) -> bytes:
    found = ConfigProto.FromString(settings)
    for field in ("device_filters", "graph_options", "experimental"):
        found.ClearField(field)
    return found.SerializeToString()


def _serving(teacher: Teacher) -> tf.types.experimental.ConcreteFunction:
    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.int32, "labels"),
            tf.TensorSpec([2], tf.int32, "seed"),
        ]
    )
    def serve(labels: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        labels = _expect_between(labels, teacher.num_classes, "labels")
        return {"images": teacher.serve(labels, seed), "labels": labels}

    return serve


def _curriculum(
    teacher: Teacher, inner_optimizer: InnerOptimizer
) -> tf.types.experimental.ConcreteFunction:
    @tf.function(input_signature=[tf.TensorSpec([], tf.int32, "step")])
    def curriculum(step: tf.Tensor) -> dict[str, tf.Tensor]:
        step = _expect_between(step, teacher.steps, "step")
        images, labels = teacher.batch(step, tf.constant(_SEED))
        values = inner_optimizer.hyperparameters()
        return {
            "images": images,
            "labels": labels,
            **{
                inner_optimizer.values[name].name: values[name][step] for name in values
            },
        }

    return curriculum


def _lessons(
    curriculum: tf.types.experimental.ConcreteFunction,
    steps: int,
    inner_optimizer: InnerOptimizer,
) -> dict[str, np.ndarray]:
    given = [curriculum(tf.constant(step)) for step in range(steps)]

    def stack(key: str) -> np.ndarray:
        return np.stack([lesson[key].numpy() for lesson in given])

    return {
        "images": stack("images"),
        "labels": stack("labels"),
        **{name: stack(one.name) for name, one in inner_optimizer.values.items()},
    }


def _describe(text: str) -> tf.types.experimental.ConcreteFunction:
    @tf.function(input_signature=[])
    def describe() -> dict[str, tf.Tensor]:
        return {"description": tf.constant(text)}

    return describe


def _expect_between(value: tf.Tensor, end: int, name: str) -> tf.Tensor:
    message = f"{name}: expected integers from 0 to {end - 1}"
    checks = [
        tf.debugging.assert_non_negative(value, message),
        tf.debugging.assert_less(value, end, message),
    ]
    with tf.control_dependencies(checks):  # before anything uses the value
        return tf.identity(value)
