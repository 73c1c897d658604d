"""Whether pictures fit in the memory, before any is decoded."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

from gtn_tf.data.errors import DataError
from gtn_tf.data.stored_images import is_large

_BYTES = 1 + 4  # of a value: as it was decoded, and normalised in float32
_BYTES_OF_LARGE = 1  # which is not normalised as a whole


def memory_bytes() -> int:
    """The memory of the machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def expect_fits(shape: Sequence[int]) -> None:
    """Checks that the pictures of a data set fit in the memory.

    Args:
        shape: `[n, height, width, channels]`, of all of them.

    Raises:
        DataError: If they do not.

    Example:

    >>> expect_fits([1000, 32, 32, 3])
    """
    values, memory = math.prod(shape), memory_bytes()
    need = values * (_BYTES_OF_LARGE if is_large(values) else _BYTES)
    if need > memory:
        count, height, width, _ = shape
        raise DataError(
            f"expected pictures that fit in the memory of {memory / 1e9:.0f} GB, "
            f"received {count} of {height} x {width}, which take {need / 1e9:.3g} GB; "
            "give a smaller image_size"
        )
