"""A teacher's lessons without their order, as batches of any length of training."""

from __future__ import annotations

import tensorflow as tf

from gtn_tf.data.order import shuffled_batches
from gtn_tf.teaching.trained_teacher import TrainedTeacher


def shuffled_lessons(
    teacher: TrainedTeacher, seed: int, start: int = 0
) -> tf.data.Dataset:
    """Streams a teacher's lessons endlessly, each pass in a new order.

    As with `Splits.train_batches`, the seed alone determines them: a stream can start
    at any lesson. If the teacher augments its lessons, each is augmented anew.

    Args:
        teacher: The teacher.
        seed: Of the orders and of the augmentation.
        start: Number of lessons to skip.

    Returns:
        Endless dataset of `(images, labels)`: float32 `[batch, h, w, c]`, and int32
        `[batch]` or probabilities, float32 `[batch, k]`.

    Example:

    >>> import gtn_tf
    >>> teacher = gtn_tf.load_teacher("digits")
    >>> images, labels = next(iter(shuffled_lessons(teacher, seed=0, start=5000)))
    >>> images.shape, labels.shape
    (TensorShape([32, 8, 8, 1]), TensorShape([32, 10]))
    """
    with tf.device("CPU:0"):
        images, labels = map(tf.constant, teacher.unaugmented())
    key = tf.constant([1, seed % 2**31], tf.int32)

    def lesson(number: tf.Tensor, place: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        chosen = tf.gather(images, place)  # [1, b, h, w, c]
        chosen = teacher.augmentation(chosen, key, number[tf.newaxis])
        return chosen[0], tf.gather(labels, place)[0]

    return (
        shuffled_batches(teacher.steps, 1, seed, start)
        .map(lesson, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .prefetch(tf.data.AUTOTUNE)
    )
