"""Correct answers, accuracy and balanced accuracy; mean and deviation over networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.labels import as_integers

MEASURES = ("accuracy", "balanced_accuracy")
_PREFIXES = ("", "balanced_")  # of their means and deviations

_UNEVEN = 1.5  # times as many images in the largest class as in the smallest


def are_correct(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Which examples have their largest logit at their label.

    Args:
        logits: `[batch, num_classes]`.
        labels: `[batch]`, or in any other form that `as_integers` takes.

    Returns:
        bool `[batch]`.
    """
    labels = as_integers(labels)
    return tf.argmax(logits, axis=-1, output_type=labels.dtype) == labels


def count_correct(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Counts the examples whose largest logit is that of their label.

    Args:
        logits: As for `are_correct`.
        labels: As for `are_correct`.

    Returns:
        Integer scalar.
    """
    return tf.math.count_nonzero(are_correct(logits, labels))


def are_uneven(labels: np.ndarray) -> bool:
    """Whether the largest class has more than 1.5 times the images of the smallest.

    Accuracy counts the large classes more then, and balanced accuracy is reported
    beside it.

    Args:
        labels: Integers `[n]`. Classes without an image do not count.

    Example:

    >>> are_uneven(np.repeat([0, 1], [30, 20])), are_uneven(np.repeat([0, 2], [31, 20]))
    (False, True)
    """
    counts = np.unique(labels, return_counts=True)[1]
    return bool(counts.max() > _UNEVEN * counts.min())


def measures_of(labels: np.ndarray) -> tuple[str, ...]:
    """The names of what is measured on images with these labels.

    Args:
        labels: As for `are_uneven`.

    Returns:
        `"accuracy"`, and `"balanced_accuracy"` if the classes are uneven.
    """
    return MEASURES if are_uneven(labels) else MEASURES[:1]


def measure(
    correct: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], data: tf.data.Dataset
) -> np.ndarray:
    """The share of a data set that is classified correctly, and of each class of it.

    Args:
        correct: Returns which images are classified correctly, bool `[batch]`, for
            images and labels.
        data: Finite dataset of `(images, labels)`.

    Returns:
        A value for each of `measures_of` its labels.
    """
    pairs = [(correct(images, labels), as_integers(labels)) for images, labels in data]
    right, labels = (np.concatenate(one) for one in zip(*pairs))
    values = [np.count_nonzero(right) / len(right)]
    if len(measures_of(labels)) > 1:
        values.append(balanced_accuracy(labels, right))
    return np.array(values)


def balanced_accuracy(labels: np.ndarray, right: np.ndarray) -> float:
    """The mean, over the classes, of the share of a class that is right: its recall.

    Args:
        labels: Integers `[n]`. Classes without an image do not count.
        right: Which were classified correctly, bool `[n]`.

    Example:

    >>> balanced_accuracy(np.array([0, 0, 0, 1]), np.array([True, True, True, False]))
    0.5
    """
    _, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return float(np.mean(np.bincount(classes, weights=right) / counts))


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


def over_learners(values: np.ndarray) -> dict[str, float]:
    """The mean and the standard deviation of each measure.

    Args:
        values: Of fresh learners, `[learners, measures]`.

    Returns:
        `mean` and `std` of the accuracy; `balanced_mean` and `balanced_std`, if there
        is a second measure.

    Example:

    >>> [*over_learners(np.ones([3, 2]))]
    ['mean', 'std', 'balanced_mean', 'balanced_std']
    """
    return {
        f"{prefix}{name}": value
        for prefix, column in zip(_PREFIXES, values.T)
        for name, value in mean_and_std(column).items()
    }


def in_words(found: Mapping[str, Any], sign: str = "+-") -> str:
    """Writes what `over_learners` returns.

    Args:
        found: That, or a `mean` of `None` for what was not measured.
        sign: Between the mean and the standard deviation.

    Example:

    >>> in_words({"mean": 0.5, "std": 0.01})
    '50.00% +- 1.00%'
    """
    if found["mean"] is None:
        return "not measured"
    words = f"{found['mean']:.2%} {sign} {found['std']:.2%}"
    if "balanced_mean" in found:
        mean, std = found["balanced_mean"], found["balanced_std"]
        words += f", balanced {mean:.2%} {sign} {std:.2%}"
    return words
