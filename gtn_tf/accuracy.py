"""Counting correct answers; mean and standard deviation over networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from gtn_tf.labels import as_integers


def count_correct(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Counts the examples whose largest logit is that of their label.

    Args:
        logits: `[batch, num_classes]`.
        labels: `[batch]`, or in any other form that `as_integers` takes.

    Returns:
        Integer scalar.
    """
    labels = as_integers(labels)
    predicted = tf.argmax(logits, axis=-1, output_type=labels.dtype)
    return tf.math.count_nonzero(predicted == labels)


def accuracy(
    count: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], data: tf.data.Dataset
) -> float:
    """The share of a data set that is classified correctly.

    Args:
        count: Returns the number of correct answers for images and labels.
        data: Finite dataset of `(images, labels)`.
    """
    counts = [(int(count(images, labels)), len(labels)) for images, labels in data]
    correct, total = np.sum(counts, axis=0)
    return correct / total


def mean_and_std(values: Sequence[float] | np.ndarray) -> dict[str, float]:
    """The mean and the sample standard deviation, 0 for a single value.

    Args:
        values: Accuracies of fresh learners.

    Example:

    >>> mean_and_std([0.5, 1.5])["mean"]
    1.0
    """
    std = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "std": std}
