"""The cost of a search; docs/search_cost.md defines it."""

from __future__ import annotations

from collections.abc import Sequence

_DAY = 86400.0  # seconds


def search_cost(
    teacher_seconds: float, candidates: int, seconds_each: float
) -> dict[str, float]:
    """The cost of a search: the teacher's training and all scoring.

    Args:
        teacher_seconds: Of the teacher's training; 0 to leave it out.
        candidates: Architectures scored.
        seconds_each: Mean of one scoring.

    Returns:
        `seconds` in all, and `days`, which are GPU-days on one GPU.

    Example:

    >>> round(search_cost(8 * 3600, 800, 36)["days"], 2)
    0.67
    """
    seconds = teacher_seconds + candidates * seconds_each
    return {"seconds": seconds, "days": seconds / _DAY}


def seconds_to_reach(
    correlation: float, points: Sequence[tuple[float, float]]
) -> float | None:
    """The time per candidate for real data to reach a correlation.

    Args:
        correlation: The target.
        points: Measured seconds and correlations. Interpolated
            linearly.

    Returns:
        The fewest seconds; those of the shortest point if it already reaches the
        target, and None if no point does.

    Example:

    >>> seconds_to_reach(0.5, [(10.0, 0.4), (30.0, 0.6)])
    20.0
    """
    before: tuple[float, float] | None = None
    for seconds, reached in sorted(points):
        if reached >= correlation:
            if before is None:
                return seconds
            share = (correlation - before[1]) / (reached - before[1])
            return before[0] + share * (seconds - before[0])
        before = seconds, reached
    return None
