"""Progress of some work, its speed, and the time that is left."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple


class Pace(NamedTuple):
    """Progress of some work, and the time that a part of it took.

    Args:
        done: Items that are done.
        total: Items in all.
        timed: Items that took `seconds`: none of an earlier process, and perhaps not a
            slow first one.
        seconds: The time of the timed items.

    Example:

    >>> pace = Pace(done=30, total=50, timed=20, seconds=12.0)
    >>> pace.per_minute, pace.seconds_left
    (100.0, 12.0)
    >>> f"{pace.rate('candidate')}, {pace.left}"
    '100 candidates/min, 12 s left'
    """

    done: int
    total: int
    timed: int
    seconds: float

    @property
    def per_minute(self) -> float:
        """Timed items per minute."""
        return 60 * self.timed / max(self.seconds, 1e-9)

    @property
    def seconds_left(self) -> float:
        """Time of the rest at this pace; NaN if no item was timed."""
        if not self.timed:
            return math.nan
        return self.seconds / self.timed * (self.total - self.done)

    @property
    def position(self) -> str:
        """Such as `"30/50"`."""
        return f"{self.done}/{self.total}"

    @property
    def left(self) -> str:
        """Such as `"12 s left"`; empty if no item was timed."""
        return time_left(self.seconds_left)

    def rate(self, item: str) -> str:
        """Such as `"100 candidates/min"`; empty if no item was timed.

        Args:
            item: Name of one item.
        """
        if not self.timed:
            return ""
        digits = ".0f" if self.per_minute >= 10 else ".2g"
        return f"{self.per_minute:{digits}} {item}s/min"


def time_left(seconds: float) -> str:
    """A time as text, in seconds, minutes or hours.

    Args:
        seconds: The time; NaN if it is not known.

    Example:

    >>> [time_left(seconds) for seconds in (90, 600, 9000, float("nan"))]
    ['90 s left', '10 min left', '2.5 h left', '']
    """
    if math.isnan(seconds):
        return ""
    if seconds < 119.5:
        return f"{seconds:.0f} s left"
    if seconds < 119.5 * 60:
        return f"{seconds / 60:.0f} min left"
    return f"{seconds / 3600:.1f} h left"


class Countdown:
    """Times items that are done one after the other.

    Args:
        total: Items in all.
        done: Items that an earlier process did.
        clock: Returns seconds; timing starts at once.

    Example:

    >>> countdown = Countdown(3, clock=iter([5.0, 7.0]).__next__)
    >>> countdown.next().left
    '4 s left'
    """

    def __init__(
        self, total: int, done: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._began = clock()
        self.pace = Pace(done, total, 0, 0.0)  # after the item that was done last

    def next(self) -> Pace:
        """Counts one more item as done."""
        done, total, timed, _ = self.pace
        self.pace = Pace(done + 1, total, timed + 1, self._clock() - self._began)
        return self.pace
