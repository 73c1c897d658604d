"""All shuffled (paper, section 3.3): stored examples, drawn one by one."""

from __future__ import annotations

import tensorflow as tf

from gtn_tf.teachers.curriculum import StoredCurriculum


@tf.keras.utils.register_keras_serializable("gtn_tf")
class AllShuffled(StoredCurriculum):
    """Every example of a batch is drawn from all stored ones, with replacement.

    Example:

    >>> from gtn_tf import Generator
    >>> teacher = AllShuffled(Generator((8, 8, 1), 10), steps=2, batch_size=5)
    >>> images, labels = teacher.batches(seed=tf.constant([0, 1]))
    >>> images.shape
    TensorShape([2, 5, 8, 8, 1])
    """

    def arrange(self, stored: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        count = self.steps * self.batch_size
        chosen = tf.random.stateless_uniform(
            [self.steps, self.batch_size], seed, 0, count, tf.int32
        )
        return tf.gather(tf.reshape(stored, [count, *stored.shape[2:]]), chosen)
