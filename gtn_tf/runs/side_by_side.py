"""Several items at the same time, on threads."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def side_by_side(
    function: Callable[[_Item], _Result], items: Iterable[_Item], workers: int
) -> Iterator[_Result]:
    """Calls a function of each item, on threads; TensorFlow's operations run on them.

    The first call has no other beside it, so that what it traces serves all. When the
    iterator is closed, calls that have not begun are dropped.

    Args:
        function: Called once for each item.
        items: The items.
        workers: How many calls run at the same time.

    Yields:
        The results, in the order of the items.

    Example:

    >>> [*side_by_side(abs, [-1, 2, -3], workers=2)]
    [1, 2, 3]
    """
    left = iter(items)
    if workers == 1:
        yield from map(function, left)
        return
    yield from map(function, itertools.islice(left, 1))
    pool = ThreadPoolExecutor(workers)
    try:
        yield from pool.map(function, left)
    finally:
        pool.shutdown(cancel_futures=True)
