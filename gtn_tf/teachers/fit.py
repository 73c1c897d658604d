"""Fits a generator and its latents to real images, before meta-training."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from gtn_tf.data.stored_images import Images
from gtn_tf.teachers.curriculum import StoredCurriculum
from gtn_tf.teachers.real_examples import real_examples

_LEARNING_RATE = 0.01  # Adam's, at the start of a cosine to 0


def warm_start(
    teacher: StoredCurriculum,
    images: Images,
    labels: np.ndarray,
    iterations: int,
    report: Callable[[int, float], None] = lambda iteration, loss: None,
) -> float:
    """Fits a curriculum to real images: Adam on the mean squared difference.

    Each stored example has a real image of its label as its target, the same ones
    that learned pixels start from. Batches take turns.

    Args:
        teacher: The curriculum; its generator and its latents change.
        images: Normalised training images `[n, h, w, c]`.
        labels: Their labels, in any form that Keras takes.
        iterations: Steps of Adam, each on one batch of the curriculum.
        report: Called with the iterations done and the last loss, about ten times.

    Returns:
        The mean squared difference of the last batch.

    Example:

    >>> from gtn_tf import Generator
    >>> from gtn_tf.teachers import FullCurriculum
    >>> teacher = FullCurriculum(Generator((2, 2, 1), 2), steps=1, batch_size=2)
    >>> images = np.repeat([[0.5], [-0.5]], 4).reshape([2, 2, 2, 1])
    >>> warm_start(teacher, images, [0, 1], iterations=100) < 0.1
    True
    """
    wanted = teacher.even_labels()
    targets = tf.constant(
        real_examples(images, labels, wanted.numpy(), teacher.seed), tf.float32
    )
    variables = [*teacher.generator.trainable_variables]
    variables += [teacher.latents] if teacher.learned_latents else []
    schedule = tf.keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, iterations)
    optimizer = tf.keras.optimizers.Adam(schedule)
    optimizer.build(variables)

    @tf.function
    def fit(step: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            inputs = teacher.latents[step], wanted[step]
            made = teacher.generator(inputs, training=True)
            loss = tf.reduce_mean(tf.square(made - targets[step]))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss

    loss = tf.constant(np.nan)
    for iteration in range(1, iterations + 1):
        loss = fit(tf.constant(iteration % teacher.steps))
        if iteration % max(1, iterations // 10) == 0:
            report(iteration, float(loss))
    return float(loss)
