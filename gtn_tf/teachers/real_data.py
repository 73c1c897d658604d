"""Real data: the baseline that every teacher has to beat."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.data.stored_images import Images, gathering
from gtn_tf.errors import ArgumentError
from gtn_tf.labels import as_integers
from gtn_tf.teachers.teacher import Teacher


class RealData(Teacher):
    """Random mini-batches of real examples; only the rates are left to learn.

    Args:
        images: float32 `[n, h, w, c]`, normalised; those of a large set stay where
            they are.
        labels: Integers `[n]` or `[n, 1]`, or one-hot `[n, num_classes]`.
        num_classes: Number of classes.
        steps: Batches, one for each inner step; T in the paper.
        batch_size: Examples in a batch.
        **kwargs: Passed to `tf.keras.layers.Layer`.

    Raises:
        ValueError: If there is not one label for each image.

    Example:

    >>> images, labels = np.zeros([7, 8, 8, 1], np.float32), np.arange(7)
    >>> teacher = RealData(images, labels, 10, steps=2, batch_size=5)
    >>> images, labels = teacher.batches(seed=tf.constant([0, 1]))
    >>> images.shape
    TensorShape([2, 5, 8, 8, 1])
    """

    def __init__(
        self,
        images: Images,
        labels: np.ndarray,
        num_classes: int,
        steps: int = 32,
        batch_size: int = 64,
        **kwargs: Any,
    ) -> None:
        super().__init__(images.shape[1:], num_classes, steps, batch_size, **kwargs)
        if len(images) != len(labels):
            raise ArgumentError(
                f"expected one label for each of {len(images)} images, "
                f"received {len(labels)}"
            )
        self._count = len(images)
        self._some_images = gathering(images)
        self._labels = tf.cast(as_integers(labels), tf.int32)

    def batches(self, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self._examples(self._chosen(seed))

    def batch(self, step: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self._examples(self._chosen(seed)[step])

    def _chosen(self, seed: tf.Tensor) -> tf.Tensor:
        shape = [self.steps, self.batch_size]
        return tf.random.stateless_uniform(shape, seed, 0, self._count, tf.int32)

    def _examples(self, chosen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self._some_images(chosen), tf.gather(self._labels, chosen)

    def prepare_to_serve(self) -> None:
        raise ArgumentError(
            "expected a teacher with images of its own, received RealData, "
            "which only passes real data on"
        )

    def serve(self, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        raise ArgumentError(
            "expected a teacher of its own images to save a model with, received "
            "RealData, which holds a data set; gtn.save_weights saves what was learned"
        )
