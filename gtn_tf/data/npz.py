"""The npz layouts: arrays as Keras stores them, or JPEG files end to end."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from gtn_tf.bounded_npz import open_npz
from gtn_tf.data.catalog import MOST_IMAGES, Entry
from gtn_tf.data.errors import DataError
from gtn_tf.data.jpeg import decode_jpegs
from gtn_tf.data.labelled import LabelledImages, Parts, label
from gtn_tf.errors import cut, first_line

_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
_JPEGS = (
    "train_jpeg", "train_offsets", "train_labels",
    "test_jpeg", "test_offsets", "test_labels",
    "class_names",
)  # fmt: skip


def read_npz(path: Path, entry: Entry) -> Parts:
    """Reads a whole data set from one npz file.

    Two layouts are supported. Keras': `x_train`, `y_train`, `x_test`, `y_test`.
    And JPEG: `train_jpeg` (uint8, all files end to end), `train_offsets` (integers
    `[n + 1]`, image `i` is the bytes from offset `i` to offset `i + 1`),
    `train_labels`, the same three for `test`, and `class_names`.

    Args:
        path: The file.
        entry: The facts the images and labels must agree with.

    Returns:
        The training and the test part.

    Raises:
        DataError: The file is damaged, has other keys, needs pickle (which is
            refused, since a pickle can run any code), would take more memory than a
            data set can, or its arrays are wrong.

    Example:

    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from gtn_tf.data.catalog import find_entry
    >>> from gtn_tf.data.npz import read_npz
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "mnist.npz"
    >>> x, y = np.zeros([4, 28, 28], np.uint8), np.arange(4)
    >>> np.savez(path, x_train=x, y_train=y, x_test=x, y_test=y)
    >>> read_npz(path, find_entry("mnist")).test.images.shape
    (4, 28, 28, 1)
    """
    arrays = _read_arrays(path, entry)
    jpeg = "x_train" not in arrays
    read_part = _jpeg_part if jpeg else _array_part
    return Parts(
        read_part(arrays, "train", entry, f"{path}, training part"),
        read_part(arrays, "test", entry, f"{path}, test part"),
        jpeg,
    )


def _read_arrays(path: Path, entry: Entry) -> dict[str, np.ndarray]:
    try:
        with open_npz(path) as npz:
            for layout in (_ARRAYS, _JPEGS):
                if set(layout) <= set(npz.names):
                    return {
                        key: npz.read(key, _most_bytes(key, entry)) for key in layout
                    }
            keys = npz.names
    except Exception as error:  # A damaged archive can raise anything.
        raise DataError(
            f"{path}: cannot be read, expected a whole npz file without pickles, "
            f"received: {first_line(error)}"
        ) from error
    raise DataError(
        f"{path}: wrong keys, expected {', '.join(_ARRAYS)} or {', '.join(_JPEGS)}, "
        f"received {cut(', '.join(keys)) or 'none'}"
    )


def _most_bytes(key: str, entry: Entry) -> int:
    """The most bytes of an array: those of a million images, and at most 1 GB."""
    if key == "class_names":
        return 2**16
    images = key.startswith("x_") or key.endswith("_jpeg")
    return min(MOST_IMAGES * (math.prod(entry.image_shape) if images else 8), 2**30)


def _array_part(
    arrays: dict[str, np.ndarray], part: str, entry: Entry, origin: str
) -> LabelledImages:
    return label(arrays[f"x_{part}"], arrays[f"y_{part}"], entry, origin)


def _jpeg_part(
    arrays: dict[str, np.ndarray], part: str, entry: Entry, origin: str
) -> LabelledImages:
    class_names = tuple(str(name) for name in arrays["class_names"].ravel())
    if class_names != entry.class_names:
        raise DataError(
            f"{origin}: expected the class names {', '.join(entry.class_names)}, "
            f"received {cut(', '.join(class_names))}"
        )
    images = decode_jpegs(
        arrays[f"{part}_jpeg"],
        arrays[f"{part}_offsets"],
        channels=entry.image_shape[-1],
        origin=origin,
    )  # [n, h, w, c]
    return label(images, arrays[f"{part}_labels"], entry, origin)
