"""Shuffled batch (paper, section 3.3): stored batches in random order."""

from __future__ import annotations

import tensorflow as tf

from gtn_tf.teachers.curriculum import StoredCurriculum


@tf.keras.utils.register_keras_serializable("gtn_tf")
class ShuffledBatch(StoredCurriculum):
    """Every batch is drawn from the stored ones, with replacement.

    Example:

    >>> from gtn_tf import Generator
    >>> teacher = ShuffledBatch(Generator((8, 8, 1), 10), steps=2, batch_size=5)
    >>> images, labels = teacher.batches(seed=tf.constant([0, 1]))
    >>> images.shape
    TensorShape([2, 5, 8, 8, 1])
    """

    def arrange(self, stored: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        chosen = tf.random.stateless_uniform(
            [self.steps], seed, 0, self.steps, tf.int32
        )
        return tf.gather(stored, chosen)
