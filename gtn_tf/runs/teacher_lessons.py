"""Lessons of a trained teacher where a training takes batches of real images."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from gtn_tf.data import Splits
from gtn_tf.run_files import RunError
from gtn_tf.teaching import TrainedTeacher, shuffled_lessons


class TeacherLessons:
    """A teacher's lessons as training batches, each pass in another order.

    Args:
        teacher: The teacher, of the same shape and classes as the data.
        splits: The real data, whose images the shared weights are tested on.
        seed: Of the orders.

    Attributes:
        digest: A variable, by which a resumed run knows its teacher.
    """

    def __init__(self, teacher: TrainedTeacher, splits: Splits, seed: int) -> None:
        self._teacher = teacher
        self._scaled = scaled_as(splits, teacher)
        self._seed = seed % 2**32
        self.digest = tf.Variable(teacher.digest)

    def train_batches(self, start: int) -> tf.data.Dataset:
        """Streams the lessons, as `Splits.train_batches` does real images.

        Args:
            start: Number of lessons to skip.

        Raises:
            RunError: If the run began with another teacher.
        """
        began = self.digest.numpy().decode()
        if began != self._teacher.digest:
            raise RunError(
                f"supernet.teacher: expected the teacher {began}, with which the run "
                f"began, received {self._teacher.digest} in {self._teacher.source}; "
                "put it back or choose another --run-dir"
            )
        return shuffled_lessons(self._scaled, self._seed, start)


def scaled_as(splits: Splits, teacher: TrainedTeacher) -> TrainedTeacher:
    """A teacher whose images are normalised as those of real data.

    Args:
        splits: The real data.
        teacher: The teacher. One that does not know how its images were normalised
            stays as it is.
    """
    if teacher.description["normalization"] is None:
        return teacher
    mean, std = teacher.scale()
    if np.array_equal(mean, splits.mean) and np.array_equal(std, splits.std):
        return teacher
    images = (teacher.images * std + mean - np.array(splits.mean)) / splits.std
    return dataclasses.replace(teacher, images=images.astype(np.float32))
