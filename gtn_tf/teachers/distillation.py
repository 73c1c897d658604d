"""Dataset Distillation (Wang et al. 2018), as the paper's baseline."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.data.stored_images import Images
from gtn_tf.shapes import ImageShape
from gtn_tf.teachers.real_examples import real_examples
from gtn_tf.teachers.teacher import Teacher

_RANGE = 2.0  # images lie in [-2, 2], as the generator's
_MOST = 0.97  # of that range, for real images: tanh is flat beyond


@tf.keras.utils.register_keras_serializable("gtn_tf")
class DatasetDistillation(Teacher):
    """The images themselves are learned: no generator, a fixed sequence of batches.

    Args:
        image_shape: `(height, width, channels)` of an image.
        num_classes: Number of classes.
        steps: Batches, one for each inner step; T in the paper.
        batch_size: Examples in a batch.
        seed: Integer that the initial images are drawn from.
        soft_labels: As for `Teacher`.
        init: What the images started from, `"noise"`, or `"real"` after `start_from`.
        **kwargs: Passed to `tf.keras.layers.Layer`.

    Example:

    >>> teacher = DatasetDistillation((8, 8, 1), 10, steps=2, batch_size=5)
    >>> images, labels = teacher.batches(seed=tf.constant([0, 1]))
    >>> images.shape
    TensorShape([2, 5, 8, 8, 1])
    """

    stores_examples = True

    def __init__(
        self,
        image_shape: ImageShape,
        num_classes: int,
        steps: int = 32,
        batch_size: int = 64,
        seed: int = 0,
        soft_labels: float = 0.0,
        init: str = "noise",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            *(image_shape, num_classes, steps, batch_size),
            soft_labels=soft_labels,
            **kwargs,
        )
        self.seed = seed
        self.init = init
        self.pixels = self.add_weight(
            "pixels",
            [steps, batch_size, *self.image_shape],
            initializer=tf.keras.initializers.RandomNormal(stddev=1.0, seed=seed),
        )

    def start_from(self, images: Images, labels: np.ndarray) -> None:
        """Sets the images to real ones, of which meta-training then changes pixels.

        Args:
            images: Normalised training images `[n, h, w, c]`.
            labels: Their labels, in any form that Keras takes.
        """
        chosen = real_examples(images, labels, self.even_labels().numpy(), self.seed)
        self.pixels.assign(np.arctanh(np.clip(chosen / _RANGE, -_MOST, _MOST)))
        self.init = "real"

    def batches(self, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        del seed  # nothing is random
        return _RANGE * tf.tanh(self.pixels), self.stored_labels()

    def batch(self, step: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images, labels = self.batches(seed)
        return images[step], labels[step]

    def serve(self, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        pixels = tf.reshape(self.pixels, [-1, *self.image_shape])
        return _RANGE * tf.tanh(tf.gather(pixels, self.stored_example(labels, seed)))

    def get_config(self) -> dict[str, Any]:
        config = {
            "image_shape": self.image_shape,
            "num_classes": self.num_classes,
            "steps": self.steps,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "soft_labels": self.soft_labels,
            "init": self.init,
        }
        return {**super().get_config(), **config}
