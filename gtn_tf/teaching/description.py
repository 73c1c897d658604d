"""The description of a teacher, which every export contains."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

import gtn_tf
from gtn_tf.data import Augmentation, Splits
from gtn_tf.data.features import LARGEST
from gtn_tf.errors import ArgumentError, first_line, shown
from gtn_tf.inner import InnerOptimizer
from gtn_tf.learners import Learners
from gtn_tf.names import OPTIMIZERS, RESIZES
from gtn_tf.shapes import is_vector
from gtn_tf.teachers import Teacher

# Limits of an untrusted file.
MOST_TEXT = 2**20  # characters
MOST_LESSON_BYTES = 2**30
_MOST_STEPS = 100_000
_MOST_DEPTH = 20

_AUGMENTATION = set(Augmentation().get_config())


def describe(
    teacher: Teacher,
    inner_optimizer: InnerOptimizer,
    learners: Learners | None = None,
    splits: Splits | None = None,
    accuracy: dict[str, Any] | None = None,
    augmentation: Augmentation = Augmentation(),  # noqa: B008 (it has no state)
) -> dict[str, Any]:
    """Writes the description of a teacher.

    Args:
        teacher: The teacher.
        inner_optimizer: The learners' optimizer.
        learners: The distribution that it was trained on.
        splits: The data that it was trained on.
        accuracy: Measured accuracies, such as `{"mean": 0.97, "std": 0.002}`.
        augmentation: Of the lessons, which are exported as they are before it.

    Returns:
        A dict that JSON can hold. Unknown values are `None`; classes without names are
        numbered.

    Example:

    >>> from gtn_tf import LearnedSGD
    >>> from gtn_tf.teachers import DatasetDistillation
    >>> teacher = DatasetDistillation((8, 8, 1), num_classes=3, steps=2)
    >>> describe(teacher, LearnedSGD(steps=2))["class_names"]
    ['0', '1', '2']
    """
    hyperparameters = inner_optimizer.hyperparameters()
    table = is_vector(teacher.image_shape)
    names = splits.class_names if splits else map(str, range(teacher.num_classes))
    scale = {"mean": list(splits.mean), "std": list(splits.std)} if splits else None
    return {
        "teacher": type(teacher).__name__,
        "init": teacher.init,  # "real": images started from single training images
        "dataset": splits.name if splits else None,
        "image_shape": list(teacher.image_shape),
        "class_names": list(names),
        "steps": teacher.steps,
        "batch_size": teacher.batch_size,
        # Of pictures of another shape.
        "resize": splits.resize if splits and not table else None,
        "normalization": scale,  # pixel / max, or a feature = image * std + mean
        # In the order in which a line of a table has them.
        **({"feature_names": [*splits.feature_names]} if splits and table else {}),
        "augmentation": augmentation.get_config(),
        "inner_optimizer": {
            "name": inner_optimizer.kind,
            **{
                name: getattr(inner_optimizer, name)
                for name in inner_optimizer.settings
            },
        },
        **{name: one.numpy().tolist() for name, one in hyperparameters.items()},
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
        ValueError: If it is not a description.

    Example:

    >>> read_description("[]")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    gtn_tf.errors.ArgumentError: expected a description with image_shape, received ...
    """
    if len(text) > MOST_TEXT:
        raise ArgumentError(f"expected a description of at most {MOST_TEXT} characters")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArgumentError(
            f"expected a description in JSON: {first_line(error)}"
        ) from None
    check_description(found)
    _expect_shallow(found)
    size = 4 * found["steps"] * found["batch_size"] * math.prod(found["image_shape"])
    if size > MOST_LESSON_BYTES or found["steps"] > _MOST_STEPS:
        raise ArgumentError(
            f"description: expected lessons of at most {MOST_LESSON_BYTES} bytes, in "
            f"at most {_MOST_STEPS} steps, "
            f"received {found['steps']} steps of {found['batch_size']} images "
            f"{found['image_shape']}"
        )
    return found


def inner_optimizer_entry(found: dict[str, Any]) -> dict[str, Any]:
    """The inner optimizer in a description: its name and its settings.

    Args:
        found: A checked description. If it names no optimizer, it was written when SGD
            was the only one.
    """
    return found.get("inner_optimizer") or {"name": "sgd"}


def inner_optimizer_of(found: dict[str, Any]) -> type[InnerOptimizer]:
    """The class of the inner optimizer in a description.

    Args:
        found: A checked description.

    Example:

    >>> list(inner_optimizer_of({}).values)
    ['learning_rates', 'momenta']
    """
    kind: type[InnerOptimizer] = OPTIMIZERS.load(inner_optimizer_entry(found)["name"])
    return kind


def augmentation_of(found: dict[str, Any]) -> Augmentation:
    """How a teacher's lessons are augmented.

    Args:
        found: A checked description; one of an earlier version has no augmentation.

    Example:

    >>> augmentation_of({}).is_none
    True
    """
    return Augmentation(**found.get("augmentation") or {})


def check_description(found: Any) -> dict[str, Any]:
    """Checks the parts of a description that others rely on.

    Args:
        found: The description.

    Returns:
        The same description.

    Raises:
        ValueError: If it is not a description.
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
                f"received {shown(found.get(key))}"
            )
    for name in inner_optimizer_of(found).values:
        if not _are_rates(found.get(name)):
            raise ArgumentError(
                f"description: expected {name} to be null, or numbers from 0 to a "
                f"million, received {shown(found[name])}"
            )
    if "normalization" not in found:
        raise ArgumentError(
            "description: expected normalization, which may be null, received none"
        )
    scale = found["normalization"]
    shape, names = found["image_shape"], found.get("feature_names")
    each = "features" if is_vector(shape) else "channels"
    if scale and len(scale["mean"]) != shape[-1]:
        raise ArgumentError(
            f"description: expected a mean and a std for each of {shape[-1]} {each}, "
            f"received {shown(scale)}"
        )
    if scale and not is_vector(shape) and not _is_of_pixels(scale):
        raise ArgumentError(
            "description: expected normalization to be of pixels from 0 to 1, received "
            f"{shown(scale)}"
        )
    if names and len(names) != math.prod(shape):
        raise ArgumentError(
            f"description: expected feature_names to be none or {math.prod(shape)}, "
            f"received {len(names)}"
        )
    try:
        augmentation_of(found).check(tuple(found["image_shape"]))
    except ArgumentError as error:
        raise ArgumentError(f"description: {error}") from None
    return found


def _expect_shallow(found: Any) -> None:
    level = [found]
    for _ in range(_MOST_DEPTH):
        inside = [one.values() if isinstance(one, dict) else one for one in level]
        level = [x for one in inside for x in one if isinstance(x, (dict, list))]
        if not level:
            return
    raise ArgumentError(f"expected a description of at most {_MOST_DEPTH} levels")


def _is_count(value: Any) -> bool:
    return type(value) is int and 1 <= value < 2**31


def _is_name(value: Any) -> bool:
    # It is printed and drawn, so it must not move a terminal's cursor.
    return isinstance(value, str) and len(value) <= 100 and value.isprintable()


def _are_numbers(values: Any, least: float, most: float) -> bool:
    return isinstance(values, list) and all(
        type(x) in (int, float) and least <= x <= most for x in values
    )


def _is_normalization(value: Any) -> bool:
    if value is None:
        return True
    if not isinstance(value, dict) or not {"mean", "std"} <= set(value):
        return False
    mean, std = value["mean"], value["std"]
    return (
        _are_numbers(mean, -LARGEST, LARGEST)
        and _are_numbers(std, 1 / LARGEST, LARGEST)
        and len(mean) == len(std)
    )


def _is_of_pixels(scale: dict[str, Any]) -> bool:
    """Whether it is plausible for pixels; features have any unit."""
    return _are_numbers(scale["mean"], -1e6, 1e6) and _are_numbers(
        scale["std"], 1e-6, 1e6
    )


def _is_inner_optimizer(value: Any) -> bool:
    if value is None:  # of an earlier version
        return True
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return False
    settings = {**value}
    name = settings.pop("name")
    return (
        name in OPTIMIZERS
        and set(settings) == set(OPTIMIZERS.load(name).settings)
        and _are_numbers(list(settings.values()), 1e-30, 1e6)
    )


def _are_rates(value: Any) -> bool:
    return value is None or _are_numbers(value, 0, 1e6)


_FIELDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "image_shape": (
        "three integers of at least 1, or one of a table",
        lambda v: isinstance(v, list) and len(v) in (1, 3) and all(map(_is_count, v)),
    ),
    "class_names": (
        "a list of printable names of at most 100 characters",
        lambda v: isinstance(v, list) and v and all(map(_is_name, v)),
    ),
    "steps": ("an integer of at least 1", _is_count),
    "batch_size": ("an integer of at least 1", _is_count),
    "resize": (
        f"null, or one of {', '.join(RESIZES)}",
        lambda v: v is None or (isinstance(v, str) and v in RESIZES),
    ),
    "feature_names": (
        "null, or a list of printable names of at most 100 characters",
        lambda v: v is None or (isinstance(v, list) and all(map(_is_name, v))),
    ),
    "normalization": (
        "null, or mean and std per channel or feature",
        _is_normalization,
    ),
    "inner_optimizer": (
        f"an object with one of the names {', '.join(OPTIMIZERS)}, and its settings",
        _is_inner_optimizer,
    ),
    "augmentation": (
        "null, or an object with shift, mirror and cutout",
        lambda v: v is None or (isinstance(v, dict) and set(v) == _AUGMENTATION),
    ),
    "accuracy": ("null or an object", lambda v: v is None or isinstance(v, dict)),
}
