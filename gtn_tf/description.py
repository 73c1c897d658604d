"""What a teacher says of itself: the text that every export carries."""

from __future__ import annotations

import json
import platform
from typing import Any

import numpy as np
import tensorflow as tf

import gtn_tf
from gtn_tf.data import Splits
from gtn_tf.errors import ArgumentError
from gtn_tf.inner import LearnedSGD
from gtn_tf.learners import Learners
from gtn_tf.teachers import Teacher


def describe(
    teacher: Teacher,
    inner_optimizer: LearnedSGD,
    learners: Learners | None = None,
    splits: Splits | None = None,
    accuracy: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Writes the description of a teacher.

    Args:
        teacher: The teacher.
        inner_optimizer: The learned rates.
        learners: The distribution that it was trained on.
        splits: The data that it was trained on.
        accuracy: Measured accuracies, such as `{"mean": 0.97, "std": 0.002}`.

    Returns:
        A dict of what JSON can hold. What is not known is `None`; classes without
        names are numbered.

    Example:

    >>> from gtn_tf.teachers import DatasetDistillation
    >>> teacher = DatasetDistillation((8, 8, 1), num_classes=3, steps=2)
    >>> describe(teacher, LearnedSGD(steps=2))["class_names"]
    ['0', '1', '2']
    """
    learning_rates, momenta = (rates.numpy() for rates in inner_optimizer.rates())
    names = splits.class_names if splits else map(str, range(teacher.num_classes))
    scale = {"mean": list(splits.mean), "std": list(splits.std)} if splits else None
    return {
        "teacher": type(teacher).__name__,
        "dataset": splits.name if splits else None,
        "image_shape": list(teacher.image_shape),
        "class_names": list(names),
        "steps": teacher.steps,
        "batch_size": teacher.batch_size,
        "normalization": scale,  # pixel / max = image * std + mean
        "learning_rates": [float(rate) for rate in learning_rates],
        "momenta": [float(rate) for rate in momenta],
        "learners": learners.get_config() if learners else None,
        "accuracy": accuracy,
        "versions": {
            "gtn_tf": gtn_tf.__version__,
            "tensorflow": tf.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }


def read_description(text: str | bytes) -> dict[str, Any]:
    """Reads a description back and checks it.

    Args:
        text: JSON.

    Returns:
        The dict.

    Raises:
        ValueError: If it is not a description, told in one line.

    Example:

    >>> read_description("[]")
    Traceback (most recent call last):
        ...
    gtn_tf.errors.ArgumentError: expected a description with image_shape, received a list
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ArgumentError(f"expected a description in JSON: {error}") from None
    return check_description(found)


def check_description(found: Any) -> dict[str, Any]:
    """Checks what others rely on in a description.

    Args:
        found: What should be one.

    Returns:
        The same.

    Raises:
        ValueError: If it is not a description, told in one line.
    """
    if not isinstance(found, dict):
        kind = type(found).__name__
        raise ArgumentError(
            f"expected a description with image_shape, received a {kind}"
        )
    for key, (expected, fits) in _FIELDS.items():
        if not fits(found.get(key)):
            raise ArgumentError(
                f"description: expected {key} to be {expected}, "
                f"received {str(found.get(key))[:80]}"
            )
    scale = found["normalization"]
    if scale and len(scale["mean"]) != found["image_shape"][2]:
        raise ArgumentError(
            "description: expected a mean and a std for each of "
            f"{found['image_shape'][2]} channels, received {str(scale)[:80]}"
        )
    return found


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


def _is_normalization(value: Any) -> bool:
    if value is None:
        return True
    if not isinstance(value, dict) or not {"mean", "std"} <= set(value):
        return False
    mean, std = value["mean"], value["std"]
    return (
        all(isinstance(one, list) for one in (mean, std))
        and len(mean) == len(std)
        and all(isinstance(x, (int, float)) for x in mean + std)
        and all(x > 0 for x in std)
    )


_FIELDS = {
    "image_shape": (
        "three integers of at least 1",
        lambda v: isinstance(v, list) and len(v) == 3 and all(map(_is_count, v)),
    ),
    "class_names": (
        "a list of names",
        lambda v: isinstance(v, list) and v and all(isinstance(x, str) for x in v),
    ),
    "steps": ("an integer of at least 1", _is_count),
    "batch_size": ("an integer of at least 1", _is_count),
    "normalization": ("null, or mean and std per channel", _is_normalization),
    "accuracy": ("null or an object", lambda v: v is None or isinstance(v, dict)),
}
