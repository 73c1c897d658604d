"""The numbers in the lines of a CSV file: pixels or features."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence

import numpy as np

from gtn_tf.data.csv_columns import is_number
from gtn_tf.data.errors import DataError
from gtn_tf.data.features import LARGEST
from gtn_tf.errors import cut, shown

_FEWEST = 64  # pixels, where no name says that they are some
_EITHER = {
    "pixels": "its {0} numbered columns are read as pixels; image_shape=[{0}] makes "
    "features of them",
    "features": "its {0} numbered columns are read as features; image_shape=[height,"
    "width] makes pixels of them",
}


def line_of_pixels(cells: Sequence[str], number: int) -> np.ndarray:
    """Reads a line of pixels: bytes, if they are, for a data set of them is large.

    Args:
        cells: Its cells.
        number: Of the line, for messages.

    Raises:
        DataError: If they are no finite numbers.

    Example:

    >>> line_of_pixels(["0", "255"], 1).dtype
    dtype('uint8')
    """
    with contextlib.suppress(ValueError, OverflowError):  # the usual case, and fast
        return np.frombuffer(bytes(map(int, cells)), np.uint8)
    try:
        try:
            values = np.array([int(cell) for cell in cells], np.int64)
        except ValueError:
            values = np.array([float(cell) for cell in cells])
    except (ValueError, OverflowError):
        wrong = next((x for x in cells if not is_number(x)), max(cells, key=len))
        raise DataError(
            f"line {number}: expected numbers as pixels, received "
            f"{shown(wrong)}; name the labels' column by label_column, or remove the "
            "line"
        ) from None
    if values.dtype.kind == "i":
        return values
    if not (np.abs(values) < LARGEST).all():  # nor is NaN
        raise DataError(
            f"line {number}: expected finite pixels, received NaN or "
            "infinity; remove the line"
        )
    return values.astype(np.float32)


def line_of_features(
    cells: Sequence[str], names: Sequence[str], number: int
) -> np.ndarray:
    """Reads a line of features, or of what may be pixels: bytes, if they are.

    Args:
        cells: Its cells.
        names: Of the columns, for messages.
        number: Of the line, for messages.

    Raises:
        DataError: If they are no finite numbers.

    Example:

    >>> line_of_features(["2.43", "-1"], ["ash", "hue"], 1).tolist()
    [2.43, -1.0]
    """
    with contextlib.suppress(ValueError, OverflowError):
        return np.frombuffer(bytes(map(int, cells)), np.uint8)
    with contextlib.suppress(ValueError):
        values = np.array([float(cell) for cell in cells])
        if (np.abs(values) < LARGEST).all():  # NaN is not
            return values
    wrong = next(n for n, cell in enumerate(cells) if not _is_finite(cell))
    received = shown(cells[wrong]) if cells[wrong].strip() else "an empty cell"
    raise DataError(
        f"line {number}: expected a finite number in column {cut(names[wrong])}, "
        f"received {received}; fill it in, or leave the line or the column out"
    )


def as_images(
    numbers: np.ndarray, kind: str, image_shape: Sequence[int] = ()
) -> tuple[np.ndarray, str]:
    """Gives lines of numbers the shape of images, or of a table.

    Args:
        numbers: `[n, count]`.
        kind: `"pixels"`, `"features"` or `"either"`: then the numbers decide.
        image_shape: As for `gtn_tf.data.csv_files.read_table`.

    Returns:
        Pixels `[n, h, w, c]`, or float64 features `[n, features]`; and how either was
        read, or nothing.

    Raises:
        DataError: If they have another shape.

    Example:

    >>> as_images(np.zeros([5, 9]), "either")[0].shape
    (5, 9)
    """
    count, remark = numbers.shape[1], ""
    if kind == "either":
        kind = "pixels" if _may_be_pixels(numbers) else "features"
        remark = _EITHER[kind].format(count)
    if kind == "features":
        if image_shape and count != image_shape[0]:
            raise DataError(
                f"expected {image_shape[0]} features in a line for image_shape "
                f"{[*image_shape]}, received {count}"
            )
        return numbers.astype(np.float64), remark
    if numbers.dtype.kind == "f":
        numbers = numbers.astype(np.float32)
    return numbers.reshape([-1, *_shape(count, image_shape)]), remark


def _is_finite(cell: str) -> bool:
    return is_number(cell) and abs(float(cell)) < LARGEST


def _may_be_pixels(numbers: np.ndarray) -> bool:
    """Whether lines of numbers look like square pictures."""
    count = numbers.shape[1]
    if count < _FEWEST or _square(count) is None or numbers.min() < 0:
        return False
    whole = numbers.dtype.kind == "u" or bool((numbers == np.trunc(numbers)).all())
    return bool(numbers.max() <= (255 if whole else 1))


def _shape(count: int, image_shape: Sequence[int]) -> tuple[int, ...]:
    if image_shape:
        height, width, *channels = image_shape
        shape = (height, width, *(channels or [1]))
        if math.prod(shape) != count:
            raise DataError(
                f"expected {math.prod(shape)} pixels in a line for "
                f"image_shape {list(shape)}, received {count}"
            )
        return shape
    square = _square(count)
    if square is not None:
        return square
    raise DataError(
        f"expected lines of as many pixels as a square has, received "
        f"{count}; give image_shape, as height and width, and channels if there are "
        "several"
    )


def _square(count: int) -> tuple[int, int, int] | None:
    """A square of so many pixels, in 1 or 3 channels."""
    for depth in (1, 3):
        side = math.isqrt(count // depth)
        if side and side * side * depth == count:
            return side, side, depth
    return None
