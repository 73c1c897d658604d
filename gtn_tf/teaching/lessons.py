"""The lessons of a teacher as plain arrays, the format for untrusted ones."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from gtn_tf.atomic_file import whole
from gtn_tf.bounded_npz import open_npz
from gtn_tf.errors import ArgumentError, cut, shown
from gtn_tf.teaching.description import MOST_TEXT, inner_optimizer_of, read_description

# TensorFlow ignores this folder of a SavedModel.
INSIDE = Path("assets.extra") / "teacher.npz"


def write_lessons(
    path: Path, description: dict[str, Any], arrays: dict[str, np.ndarray]
) -> None:
    """Writes the npz file atomically.

    Args:
        path: The file; its folder is made.
        description: From `gtn_tf.teaching.description.describe`.
        arrays: `images` `[steps, batch, h, w, c]`, `labels` `[steps, batch]` or
            probabilities `[steps, batch, k]`, and each hyperparameter of the inner
            optimizer, such as `learning_rates`, `[steps]`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    entries: dict[str, Any] = {**arrays, "description": json.dumps(description)}
    with whole(path) as unfinished:
        with open(unfinished, "wb") as file:  # savez would append .npz to a name
            np.savez_compressed(file, **entries)


def read_lessons(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Reads the npz file, with no more memory than the lessons may take.

    Args:
        path: The file.

    Returns:
        The description, and the arrays by name.

    Raises:
        ArgumentError: If it does not hold a teacher's lessons. zipfile and NumPy do not
            document what else a damaged file raises.
    """
    with open_npz(path) as npz:
        _expect_arrays(["description"], npz.names)
        description = _read_text(npz.read("description", 4 * MOST_TEXT))
        names = ["images", "labels", *inner_optimizer_of(description).values]
        _expect_arrays([*names, "description"], npz.names)
        examples = description["steps"] * description["batch_size"]
        numbers = {"images": examples * math.prod(description["image_shape"])}
        numbers["labels"] = examples * len(description["class_names"])
        arrays = {
            # Eight bytes a number, and more for a shape that the teacher then refuses.
            name: npz.read(name, 8 * numbers.get(name, description["steps"]) + 2**20)
            for name in names
        }
    expect_moderate(description, arrays)
    return description, arrays


def expect_moderate(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Expects numbers of a plausible size, which cannot break a training.

    Args:
        description: Description of the teacher.
        arrays: Images and hyperparameters.

    Raises:
        ArgumentError: If a hyperparameter is negative, or any number absurdly large.
    """
    bounds = {"images": (-1e6, 1e6)}
    for name, one in inner_optimizer_of(description).values.items():
        bounds[name] = 0, one.most
    for name, (least, most) in bounds.items():
        array = arrays[name]
        # The teacher reports NaN.
        if array.dtype.kind == "f" and np.any((array < least) | (array > most)):
            raise ArgumentError(
                f"expected {name} from {least:g} to {most:g}, received {array.min():g} "
                f"to {array.max():g}"
            )


def _expect_arrays(names: list[str], found: Collection[str]) -> None:
    if set(names) - set(found):
        raise ArgumentError(
            f"expected a teacher's arrays {', '.join(names)}, found "
            f"{cut(', '.join(found)) or 'none'}"
        )


def _read_text(array: np.ndarray) -> dict[str, Any]:
    if array.shape != () or array.dtype.kind not in "US":
        raise ArgumentError(
            f"expected a description in JSON, received {array.dtype} of shape "
            f"{shown(array.shape)}"
        )
    return read_description(array.item())
