"""Tables of numbers: their features, checked and standardised one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gtn_tf.data.errors import DataError
from gtn_tf.errors import ArgumentError, shown

LARGEST = 1e30  # of a feature; its square is far from infinite
_LEAST_STD = 1e-30
_MOST = 5000  # features; a teacher's description has the name and scale of each
_LONGEST = 100  # characters of a name, likewise


def are_tables(images: Mapping[str, Any]) -> bool:
    """Whether what is given as images are tables, a line of numbers for each example.

    Args:
        images: Those of each part.

    Example:

    >>> are_tables({"train": np.zeros([9, 4])}), are_tables({"train": [[[0]]]})
    (True, False)
    """
    try:
        return all(np.ndim(one) == 2 for one in images.values())
    except ValueError:  # NumPy's, of lists that are no array
        return False


def read_features(
    table: Any, pixel_max: float | None = None, name: str = "features"
) -> np.ndarray:
    """Checks that a table has finite numbers.

    Args:
        table: Numbers `[n, features]` of any type.
        pixel_max: As for `gtn_tf.data.pixels.read_pixels`: a table has none.
        name: What they are, for messages.

    Returns:
        float64 `[n, features]`.

    Raises:
        DataError: If they are no finite numbers.
        ArgumentError: If there is a `pixel_max`.

    Example:

    >>> read_features([[1, 2], [3, 4]]).dtype
    dtype('float64')
    """
    if pixel_max is not None:
        raise ArgumentError(
            f"pixel_max: expected none for a table, received {pixel_max}; each feature "
            "is scaled by its own spread",
            "pixel_max",
        )
    try:
        array = np.asarray(table)
    except ValueError:  # NumPy's, of lists that are no array
        array = np.empty(0, object)
    if array.dtype.kind not in "biuf" or array.ndim != 2 or not array.size:
        raise DataError(
            f"{name}: expected numbers [n, features], at least one example, received "
            f"{array.dtype} of shape {list(array.shape)}"
        )
    if array.shape[1] > _MOST:
        raise DataError(
            f"{name}: expected at most {_MOST}, received {array.shape[1]}; choose some "
            "of them"
        )
    array = array.astype(np.float64)
    finite = np.abs(array) < LARGEST  # NaN is not
    if not finite.all():
        rows, columns = np.nonzero(~finite)
        raise DataError(
            f"{name}: expected finite numbers, received NaN, infinity or more than "
            f"{LARGEST:g} in {len({*rows.tolist()})} examples, the first in row "
            f"{rows[0]}, column {columns[0]}; fill them in, or leave them out"
        )
    return array


def read_parts(
    tables: Mapping[str, Any], pixel_max: float | None = None
) -> dict[str, np.ndarray]:
    """Checks the features of all parts.

    Args:
        tables: As for `read_features`, of each part.
        pixel_max: Likewise.

    Returns:
        float64 arrays `[n, features]`.

    Raises:
        DataError: If they are no finite numbers, or have different numbers of
            features.
        ArgumentError: If there is a `pixel_max`.
    """
    found = {
        part: read_features(one, pixel_max, f"{part} features")
        for part, one in tables.items()
    }
    count = found["train"].shape[1]
    for part, one in found.items():
        if one.shape[1] != count:
            raise DataError(
                f"{part} features: expected {count}, as the training part has, "
                f"received {one.shape[1]}"
            )
    return found


def read_feature_names(names: Sequence[str], origin: str) -> tuple[str, ...]:
    """Checks names of features, which a teacher's description has.

    Args:
        names: One for each.
        origin: Where they are from, for messages.

    Raises:
        DataError: If there are too many, or one is too long or not printable.

    Example:

    >>> read_feature_names(["ash", " hue"], "wine.csv")
    ('ash', 'hue')
    """
    found = tuple(name.strip() for name in names)
    for name in found:
        if not name.isprintable() or len(name) > _LONGEST:
            raise DataError(
                f"{origin}: expected printable names of columns, of at most {_LONGEST} "
                f"characters, received {shown(name)}; rename it"
            )
    return found


def feature_statistics(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Computes the mean and standard deviation of each feature.

    Args:
        features: float64 `[n, features]`.

    Returns:
        Two float64 arrays `[features]`. The standard deviation of a feature that is
        the same everywhere is 1, so that it becomes 0, as scikit-learn's
        `StandardScaler` has it.

    Example:

    >>> mean, std = feature_statistics(np.array([[1.0, 5.0], [3.0, 5.0]]))
    >>> mean.tolist(), std.tolist()
    ([2.0, 5.0], [1.0, 1.0])
    """
    low, high = features.min(axis=0), features.max(axis=0)
    std = features.std(axis=0)
    constant = (low == high) | (std < _LEAST_STD)
    # The mean of equal numbers may miss them by its rounding.
    return np.where(constant, low, features.mean(axis=0)), np.where(constant, 1.0, std)


def standardise(features: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Shifts and scales each feature, in double precision.

    Args:
        features: Numbers `[..., features]`.
        mean: `[features]`, to subtract.
        std: `[features]`, to divide by.

    Returns:
        float32 `[..., features]`.

    Raises:
        DataError: If a number is so far from the mean that it becomes infinite.

    Example:

    >>> standardise(np.array([[1e9 + 3]]), np.array([1e9]), np.array([2.0])).tolist()
    [[1.5]]
    """
    scaled = (np.asarray(features, np.float64) - mean) / std
    if scaled.size and not np.abs(scaled).max() < LARGEST:  # nor is NaN
        raise DataError(
            "features: expected finite numbers, received some that are not, or are "
            "too far from the mean of their feature"
        )
    return scaled.astype(np.float32)


def constant_features(examples: np.ndarray, names: Sequence[str]) -> list[str]:
    """Names the features that are the same in all training examples.

    Args:
        examples: Standardised, `[n, features]`.
        names: Names of the features; may be none.

    Example:

    >>> constant_features(np.array([[1.0, 0.0], [-1.0, 0.0]]), [])
    ['number 1']
    """
    (found,) = np.nonzero((examples == 0).all(axis=0))
    return [names[n] if names else f"number {n}" for n in found.tolist()]
