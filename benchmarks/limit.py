"""The page's section on the distance to the machine's limit."""

from __future__ import annotations

from collections.abc import Sequence

import operations
from contenders import is_gtn_tf
from markdown import table
from problem import SIZES
from rows import Row


def section(size: str, rows: Sequence[Row], speed: float | None) -> str:
    """Compares gtn_tf's times with the time of its operations alone.

    Args:
        size: The problem's name.
        rows: All rows that have times.
        speed: Operations per second of one large convolution; None if not measured.

    Returns:
        The section, or nothing without a speed or a row of gtn_tf.
    """
    ours = [row for row in rows if is_gtn_tf(row["implementation"])]
    if not speed or not ours:
        return ""
    header = [
        *("steps", "implementation", "unroll", "operations, GFLOP", "bound, s"),
        *("median, s", "GFLOP/s", "share of the convolution's speed"),
    ]
    text = (
        f"A single large 3x3 convolution runs at {speed / 1e9:.0f} GFLOP/s on this "
        "machine's cores, the best of several. The bound is the time that the "
        "convolutions and dense layers of a meta-gradient take at this speed; what "
        "is left to it is norms, activations, pooling, updates, and layers too small "
        "for it."
    )
    cells = (_cells(size, row, speed) for row in ours)
    return "\n\n".join(
        ["## Distance to the machine's limit", text, table(header, cells)]
    )


def _cells(size: str, row: Row, speed: float) -> list[str]:
    problem = SIZES[size]._replace(steps=row["steps"])
    needed = operations.meta_gradient(problem, row["unroll"])
    reached = needed / row["seconds_median"]
    return [
        str(row["steps"]),
        row["implementation"],
        row["unroll"],
        f"{needed / 1e9:.2f}",
        f"{needed / speed:.3f}",
        f"{row['seconds_median']:.3f}",
        f"{reached / 1e9:.0f}",
        f"{100 * reached / speed:.0f}%",
    ]
