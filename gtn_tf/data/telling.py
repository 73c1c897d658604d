"""Lines of progress while files are read, for sets that take long."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from gtn_tf.countdown import Countdown

_LOG = logging.getLogger(__name__)

_SECONDS = 10.0  # between two lines

_T = TypeVar("_T")


def telling(
    items: Iterable[_T],
    what: str,
    total: int,
    done: int = 0,
    weight: Callable[[_T], int] = lambda item: 1,
) -> Iterator[_T]:
    """Yields items, and logs every ten seconds how many are done.

    Args:
        items: What is left to do.
        what: Begins the line.
        total: Pictures in all.
        done: Pictures that an earlier process did.
        weight: Pictures of an item.

    Example:

    >>> [*telling([range(0, 3), range(3, 5)], "decoded", total=5, weight=len)]
    [range(0, 3), range(3, 5)]
    """
    countdown = Countdown(total, done)
    told = 0.0
    for item in items:
        yield item
        for _ in range(weight(item)):
            pace = countdown.next()
        if pace.seconds >= told + _SECONDS:
            told = pace.seconds
            _LOG.info("%s %s pictures, %s", what, pace.position, pace.left)
