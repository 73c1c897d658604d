"""Labels as users have them: integers, text, `[n, 1]` or one-hot; to 0..k-1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gtn_tf.data.errors import DataError
from gtn_tf.errors import cut, shown

_LONGEST = 100  # characters of a name; a teacher's description takes no more


def read_classes(
    labels: Mapping[str, Any], class_names: Sequence[str] | None = None
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Numbers the classes of a data set.

    The classes are those of the training part, in order: of integers their values, of
    text its alphabetical order, of one-hot labels the columns.

    Args:
        labels: The labels of each part, `"train"` among them: integers, whole floats
            or text `[n]` or `[n, 1]`, or one-hot `[n, k]`.
        class_names: Names of the classes. Integers and columns count them from 0; text
            has to be one of them.

    Returns:
        int32 labels `[n]` of each part, and the names. Without `class_names`, integers
        are their own names.

    Raises:
        DataError: If labels are something else, a class has no training image, or a
            part has a class that the training part has not.

    Example:

    >>> labels, names = read_classes({"train": ["dog", "cat"], "test": [["cat"]]})
    >>> names, labels["test"]
    (('cat', 'dog'), array([0], dtype=int32))
    >>> read_classes({"train": [[0, 1], [1, 0]]})[1]
    ('0', '1')
    """
    columns = {part: _columns(given, part) for part, given in labels.items()}
    flat = {part: _flat(given, part) for part, given in labels.items()}
    text = {part: one.dtype.kind == "U" for part, one in flat.items()}
    if len({*text.values()}) > 1:
        kinds = [
            f"{part}: {'text' if is_text else 'numbers'}"
            for part, is_text in text.items()
        ]
        raise DataError(
            f"labels: expected numbers in all parts or text in all, received "
            f"{', '.join(kinds)}"
        )
    if class_names is not None:
        names = tuple(str(name) for name in class_names)
        values = np.array(names) if text["train"] else np.arange(len(names))
    elif columns["train"] > 1:
        values = np.arange(columns["train"])
        names = tuple(map(str, values.tolist()))
    else:
        values = np.unique(flat["train"])
        names = tuple(map(str, values.tolist()))
    _expect_names(names)
    found = {part: _numbered(one, values, part) for part, one in flat.items()}
    counts = np.bincount(found["train"], minlength=len(names))
    if not counts.all():
        raise DataError(
            f"class {shown(names[int(counts.argmin())])}: expected training images of "
            "each class, received none; leave the class out, or add images of it"
        )
    return found, names


def _columns(labels: Any, part: str) -> int:
    array = np.asarray(labels)
    if array.ndim not in (1, 2) or not array.size:
        raise DataError(
            f"{part} labels: expected [n] or [n, 1], or one-hot [n, classes], and at "
            f"least one, received shape {list(array.shape)}"
        )
    return array.shape[1] if array.ndim == 2 else 1


def _flat(labels: Any, part: str) -> np.ndarray:
    """Integers or text, `[n]`."""
    array = np.asarray(labels)
    if array.dtype.kind in "bf" and np.all(array == np.trunc(array)):
        array = array.astype(np.int64)  # NaN equals nothing
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind == "O" and all(isinstance(x, str) for x in array.flat):
        array = array.astype(str)
    if array.dtype.kind not in "iuU":
        raise DataError(
            f"{part} labels: expected a class for each image, as integers, text or "
            f"one-hot, received {array.dtype} such as {shown(array.flat[0])}"
        )
    if array.ndim == 1 or array.shape[1] == 1:
        return array.reshape(-1)
    one_hot = array.dtype.kind in "iu" and np.isin(array, (0, 1)).all()
    if not one_hot or not (array.sum(axis=1) == 1).all():
        raise DataError(
            f"{part} labels: expected one-hot rows, a single 1 in each of "
            f"{array.shape[1]} columns, received others; images of several classes at "
            "once cannot be used"
        )
    return array.argmax(axis=1)


def _numbered(labels: np.ndarray, values: np.ndarray, part: str) -> np.ndarray:
    order = np.argsort(values)
    places = np.searchsorted(values, labels, sorter=order).clip(0, len(values) - 1)
    found = order[places]
    wrong = labels[values[found] != labels]
    if len(wrong):
        known = ", ".join(map(str, values[:10].tolist()))
        more = ", ..." if len(values) > 10 else ""
        raise DataError(
            f"{part} labels: expected the classes {cut(known)}{more}, received "
            f"{shown(wrong[0].item())}"
        )
    return found.astype(np.int32)


def _expect_names(names: tuple[str, ...]) -> None:
    if len(names) < 2:
        received = shown(names[0]) if names else "none"
        raise DataError(
            f"expected images of at least 2 classes, received {len(names)}: {received}"
        )
    for name in names:
        # A teacher's description has them, and is printed and drawn.
        if not name.isprintable() or not 0 < len(name.strip()) <= len(name) <= _LONGEST:
            raise DataError(
                f"class {shown(name)}: expected a printable name of at most {_LONGEST} "
                "characters; rename it"
            )
    if len({*names}) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"class {shown(twice)}: expected each name once, received two")
