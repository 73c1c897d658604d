"""A generator's curriculum with learned pixels on top."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.data.stored_images import Images
from gtn_tf.generator import Generator
from gtn_tf.teachers.curriculum import ACTIVATION_BYTES
from gtn_tf.teachers.full_curriculum import FullCurriculum
from gtn_tf.teachers.real_examples import real_examples


@tf.keras.utils.register_keras_serializable("gtn_tf")
class GeneratorAndPixels(FullCurriculum):
    """A full curriculum whose images are the generator's plus learned pixels.

    Args:
        generator: The network that makes the images to which pixels are added.
        steps: Batches, one for each inner step; T in the paper.
        batch_size: Examples in a batch.
        learned_latents: As for `StoredCurriculum`.
        seed: Integer that latents and real images are drawn from.
        activation_bytes: As for `Curriculum`.
        soft_labels: As for `Teacher`.
        init: What the images started from, `"noise"`, or `"real"` after `start_from`.
        **kwargs: Passed to `tf.keras.layers.Layer`.

    Example:

    >>> teacher = GeneratorAndPixels(Generator((8, 8, 1), 10), steps=2, batch_size=5)
    >>> images, labels = teacher.batches(seed=tf.constant([0, 1]))
    >>> images.shape
    TensorShape([2, 5, 8, 8, 1])
    """

    def __init__(
        self,
        generator: Generator,
        steps: int = 32,
        batch_size: int = 64,
        learned_latents: bool = True,
        seed: int = 0,
        activation_bytes: int = ACTIVATION_BYTES,
        soft_labels: float = 0.0,
        init: str = "noise",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            *(generator, steps, batch_size, learned_latents, seed, activation_bytes),
            soft_labels=soft_labels,
            **kwargs,
        )
        self.init = init
        self.pixels = self.add_weight(
            "pixels",
            [self.steps, self.batch_size, *self.image_shape],
            initializer="zeros",
        )

    def start_from(self, images: Images, labels: np.ndarray) -> None:
        """Sets the pixels so that the first lessons are real images.

        Args:
            images: Normalised training images `[n, h, w, c]`.
            labels: Their labels, in any form that Keras takes.
        """
        chosen = real_examples(images, labels, self.even_labels().numpy(), self.seed)
        made, _ = super().batches(tf.zeros([2], tf.int32))
        self.pixels.assign(chosen - made)
        self.init = "real"

    def batches(self, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images, labels = super().batches(seed)
        return images + self.pixels, labels

    def batch(self, step: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images, labels = super().batch(step, seed)
        return images + self.pixels[step], labels

    def prepare_to_serve(self) -> None:
        """Keeps all lessons: pixels fit only what the generator makes in its batch."""
        images, _ = self.batches(tf.zeros([2], tf.int32))
        self._served = images.numpy().reshape([-1, *self.image_shape])

    def serve(self, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.constant(self._served), self.stored_example(labels, seed))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "init": self.init}
