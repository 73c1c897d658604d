"""Reads a teacher from a SavedModel, which may be untrusted."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.errors import shown
from gtn_tf.teaching.description import inner_optimizer_of, read_description
from gtn_tf.teaching.errors import TeacherError, as_teacher_error
from gtn_tf.teaching.lessons import INSIDE, expect_moderate, read_lessons
from gtn_tf.teaching.saved_graph import SavedGraph
from gtn_tf.teaching.trained_teacher import TrainedTeacher

_MOST_IMAGES = 128


def read_saved_model(path: Path) -> TrainedTeacher:
    """Reads the teacher that `gtn_tf.teaching.export.export` wrote.

    Args:
        path: The folder with `saved_model.pb`.

    Returns:
        The teacher.

    Raises:
        TeacherError: If the SavedModel is damaged, is not a teacher's, or has
            anything that a teacher does not need.
    """
    others = {one.name for one in path.glob("saved_model.*")} - {"saved_model.pb"}
    if others:  # TensorFlow might take one of them instead
        raise TeacherError(
            f"{path}: expected saved_model.pb alone, found {', '.join(sorted(others))}"
        )
    if not (path / INSIDE).exists():  # from before the lessons were saved as arrays
        return _from_graph(path)
    # The graph is not even parsed: it may be untrusted.
    teacher = read_npz(path / INSIDE)
    return dataclasses.replace(teacher, source=str(path), make_images=ImageMaker(path))


def read_npz(path: Path) -> TrainedTeacher:
    """Reads the teacher that `TrainedTeacher.save_npz` wrote.

    Args:
        path: The file.

    Returns:
        The teacher, with only its lessons.

    Raises:
        TeacherError: If the file is damaged, or holds something else.
    """
    with as_teacher_error(
        f"{path}: expected a whole npz file without pickles, of a teacher"
    ):
        description, arrays = read_lessons(path)
    return _teacher(description, arrays, source=str(path))


class ImageMaker:
    """Makes new images from a SavedModel, which is read at the first call.

    A copy in another process reads it again: only the path is pickled.

    Args:
        path: The folder with `saved_model.pb`.
        graph: Its graph, if already read.
    """

    def __init__(self, path: Path, graph: SavedGraph | None = None) -> None:
        self._path = path.absolute()
        self._graph = graph

    def __call__(self, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        if self._graph is None:
            self._graph = SavedGraph(self._path)
        inputs = {"labels": labels, "seed": seed}
        made = self._graph.call("serving_default", inputs, len(labels))
        if "images" not in made:
            raise TeacherError(f"{self._path}: expected images, received none")
        return made["images"]

    def __reduce__(self) -> tuple[Any, ...]:
        return ImageMaker, (self._path,)


def _from_graph(path: Path) -> TrainedTeacher:
    graph = SavedGraph(path)
    with as_teacher_error(f"{path}: expected a teacher that describes itself"):
        text = graph.call("describe", {})["description"].numpy()
        description = read_description(text)
    with as_teacher_error(f"{path}: expected lessons as described"):
        arrays = _ask_for_lessons(graph, description)
        expect_moderate(description, arrays)
    maker = ImageMaker(path, graph)
    return _teacher(description, arrays, source=str(path), make_images=maker)


def _teacher(
    description: dict[str, Any], arrays: dict[str, np.ndarray], **kwargs: Any
) -> TrainedTeacher:
    hyperparameters = {**arrays}
    images, labels = hyperparameters.pop("images"), hyperparameters.pop("labels")
    return TrainedTeacher(description, images, labels, hyperparameters, **kwargs)


def _ask_for_lessons(
    graph: SavedGraph, description: dict[str, Any]
) -> dict[str, np.ndarray]:
    # The batch size, which bounds the memory, is untrusted, too.
    images = min(description["batch_size"], _MOST_IMAGES)
    shape = [description["batch_size"], *description["image_shape"]]
    lessons = []
    for step in range(description["steps"]):
        lesson = graph.call("curriculum", {"step": tf.constant(step)}, images)
        if lesson["images"].shape != shape:
            raise TeacherError(
                f"expected images to be {[description['steps'], *shape]}, received "
                f"{shown(lesson['images'].shape)} for a step"
            )
        lessons.append({key: value.numpy() for key, value in lesson.items()})
    values = inner_optimizer_of(description).values
    keys = {name: one.name for name, one in values.items()}
    return {
        name: np.stack([lesson[key] for lesson in lessons])
        for name, key in {"images": "images", "labels": "labels", **keys}.items()
    }
