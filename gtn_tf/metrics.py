"""Metrics over several learners, without skipped meta-iterations."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf


class MeanOrNaN(tf.keras.metrics.Mean):
    """Keras' mean, but NaN instead of 0 if nothing was counted."""

    def result(self) -> tf.Tensor:
        mean = super().result()
        return tf.where(self.count > 0, mean, mean * float("nan"))


def as_one_batch(
    logits: tf.Tensor, targets: Sequence[tf.Tensor], counts: tf.Tensor | None = None
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Joins the logits of several learners, for metrics that expect one batch.

    Args:
        logits: `[learners, n, num_classes]`.
        targets: Labels in any form and sample weights, if any, each `[n, ...]`.
        counts: Bool scalar; if false, the result is empty.

    Returns:
        Logits `[learners * n, num_classes]`, and the targets repeated to match.

    Example:

    >>> logits, (labels,) = as_one_batch(tf.zeros([2, 3, 10]), [tf.constant([7, 8, 9])])
    >>> logits.shape, labels.numpy().tolist()
    (TensorShape([6, 10]), [7, 8, 9, 7, 8, 9])
    """
    learners = logits.shape[0]
    logits = tf.reshape(logits, [-1, logits.shape[-1]])
    repeated = [tf.repeat(one[tf.newaxis], learners, 0) for one in targets]
    targets = [tf.reshape(one, [-1, *one.shape[2:]]) for one in repeated]
    if counts is None:
        return logits, targets
    rows = tf.where(counts, tf.shape(logits)[0], 0)
    return logits[:rows], [one[:rows] for one in targets]
