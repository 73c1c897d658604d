"""Several calls at the same time, on threads."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def side_by_side(
    function: Callable[[_Item], _Result], items: Iterable[_Item], workers: int
) -> Generator[_Result, None, None]:
    """Calls a function with each item, on threads.

    TensorFlow's operations run beside those of other threads; Python does not. Close
    the generator (`contextlib.closing`) if you may leave it early: calls that have not
    begun are then dropped, and the others have ended.

    Args:
        function: Called once with each item.
        items: The items.
        workers: How many calls run at the same time; one needs no thread.

    Yields:
        The results, in the order of the items.

    Example:

    >>> [*side_by_side(abs, [-1, 2, -3], workers=2)]
    [1, 2, 3]
    """
    if workers == 1:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(workers)
    try:
        yield from pool.map(function, items)
    finally:
        pool.shutdown(cancel_futures=True)
