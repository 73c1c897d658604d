"""No curriculum (paper, section 3.3): fresh noise and labels at every step."""

from __future__ import annotations

import tensorflow as tf

from gtn_tf.teachers.curriculum import Curriculum


@tf.keras.utils.register_keras_serializable("gtn_tf")
class NoCurriculum(Curriculum):
    """Every example is made from fresh Gaussian noise and a random label.

    Example:

    >>> from gtn_tf import Generator
    >>> teacher = NoCurriculum(Generator((8, 8, 1), 10), steps=2, batch_size=5)
    >>> images, labels = teacher.batches(seed=tf.constant([0, 1]))
    >>> images.shape
    TensorShape([2, 5, 8, 8, 1])
    """

    def inputs(self, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        of_latents, of_labels = tf.unstack(tf.random.experimental.stateless_split(seed))
        shape = [self.steps, self.batch_size]
        latents = tf.random.stateless_normal(
            [*shape, self.generator.latent_size], of_latents
        )
        labels = tf.random.stateless_uniform(
            shape, of_labels, 0, self.num_classes, tf.int32
        )
        return latents, labels

    def latents_for(self, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        shape = [tf.size(labels), self.generator.latent_size]
        return tf.random.stateless_normal(shape, seed)
