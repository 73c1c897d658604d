"""The graph of a teacher's SavedModel, checked and rebuilt before any of it runs."""

from __future__ import annotations

import functools
import math
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf.saved_object_graph_pb2 import SavedObjectGraph

from gtn_tf.errors import shown
from gtn_tf.teaching.allowed_graph import MOST_BYTES, AllowedGraph, check
from gtn_tf.teaching.errors import TeacherError, as_teacher_error
from gtn_tf.teaching.rebuilt_graph import Rebuilder

_MOST_GRAPH_BYTES = 2**26


class SavedGraph:
    """The functions behind a SavedModel's signatures, and the variables they read.

    Args:
        path: The folder with `saved_model.pb`.

    Raises:
        TeacherError: If the SavedModel is damaged or is not a teacher's.
    """

    def __init__(self, path: Path) -> None:
        file = path / "saved_model.pb"
        _expect_file(file, _MOST_GRAPH_BYTES)
        try:
            self._allowed = check(file.read_bytes())
        except TeacherError as error:
            raise TeacherError(f"{path}: {error}") from None
        with as_teacher_error(
            f"{path}: expected a whole SavedModel, received one whose variables cannot "
            "be read"
        ):
            self._variables = _read_variables(path / "variables", self._allowed)
        self._traced = functools.lru_cache(maxsize=8)(self._trace)
        self._path = path

    def call(
        self, signature: str, inputs: dict[str, tf.Tensor], images: int = 0
    ) -> dict[str, tf.Tensor]:
        """Runs a signature.

        Args:
            signature: Its name.
            inputs: Its arguments.
            images: Number of images it makes, which bounds the memory it may take.

        Returns:
            Its results by name.

        Raises:
            TeacherError: If it would need more memory than a teacher, or fails.
        """
        with as_teacher_error(
            f"{self._path}: expected a teacher that answers, received one that fails"
        ):
            shapes = tuple(
                sorted((key, x.dtype, *x.shape) for key, x in inputs.items())
            )
            return self._traced(signature, images, shapes)(**inputs)

    def _trace(
        self, signature: str, images: int, shapes: tuple[tuple[Any, ...], ...]
    ) -> Callable[..., dict[str, tf.Tensor]]:
        name = self._allowed.signatures[signature]
        interface = self._allowed.objects.concrete_functions[name]
        variables = [self._variables[number] for number in interface.bound_inputs]
        arguments = [
            one.name for one in self._allowed.functions[name].signature.input_arg
        ]
        results = sorted(interface.output_signature.dict_value.fields)

        @tf.function(autograph=False)
        def run(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
            own = arguments[: len(arguments) - len(variables)]
            rebuilder = Rebuilder(self._allowed.functions, images)
            made = rebuilder.build(name, [*(inputs[one] for one in own), *variables])
            return dict(zip(results, made))

        # Each shape is traced separately, so that all sizes are known.
        specs = {key: tf.TensorSpec(shape, dtype) for key, dtype, *shape in shapes}
        return run.get_concrete_function(**specs)


def _read_variables(folder: Path, allowed: AllowedGraph) -> dict[int, tf.Tensor]:
    """Each variable that a signature reads, by its number among the objects."""
    objects = allowed.objects
    names = _names(objects)
    wanted = {
        number
        for one in objects.concrete_functions.values()
        for number in one.bound_inputs
    }
    if not wanted:
        return {}
    for file in folder.glob("variables.*"):
        _expect_file(file, MOST_BYTES)
    reader = tf.train.load_checkpoint(str(folder / "variables"))
    found = reader.get_variable_to_shape_map()
    total = 0
    values = {}
    for number in wanted:
        about = objects.nodes[number].variable
        key = f"{names[number]}/.ATTRIBUTES/VARIABLE_VALUE"
        shape, dtype = [axis.size for axis in about.shape.dim], tf.as_dtype(about.dtype)
        total += math.prod(shape) * dtype.size
        if found.get(key) != shape or total > MOST_BYTES:
            raise TeacherError(
                f"expected a variable {shown(shape)}, found {shown(found.get(key))}"
            )
        if reader.get_variable_to_dtype_map()[key] != dtype:
            raise TeacherError(f"expected a variable of {dtype.name}")
        values[number] = tf.constant(reader.get_tensor(key), dtype)
    return values


def _names(objects: SavedObjectGraph) -> dict[int, str]:
    """The name of each object in the checkpoint, the path to it, as in `state/0`."""
    names = {0: ""}
    todo = [0]
    for number in todo:  # grows: breadth first, as the checkpoint's writer went
        for child in objects.nodes[number].children:
            if child.node_id not in names and 0 <= child.node_id < len(objects.nodes):
                way = f"{names[number]}/{child.local_name}"
                names[child.node_id] = way.lstrip("/")
                todo.append(child.node_id)
    return names


def _expect_file(file: Path, most: int) -> None:
    """Expects an ordinary file; a pipe might never end."""
    about = file.stat()
    if not stat.S_ISREG(about.st_mode) or about.st_size > most:
        raise TeacherError(f"{file}: expected a file of at most {most} bytes")
