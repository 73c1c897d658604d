"""From the workers' lines to the rows of the results, and their ratios."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

Row = dict[str, Any]

PYTORCH = (
    "torch",
    "torch_channels_last",
    "torch_compile",
    "torch_checkpoint",
    "higher",
    "torchopt",
)


def make_rows(lines: Iterable[dict[str, Any]]) -> list[Row]:
    """Summarises all processes of an implementation and a number of steps.

    Args:
        lines: What workers printed.

    Returns:
        One row for each, in the order of their first lines. Where a process gave up,
        its row says why, `gave_up`; it has times only if another one did not.
    """
    groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for line in lines:
        key = line["implementation"], line["steps"]
        groups.setdefault(key, []).append(line)
    return [_row(group) for group in groups.values()]


def _row(group: Sequence[dict[str, Any]]) -> Row:
    row = {key: group[0][key] for key in ("implementation", "size", "steps")}
    measured = [line for line in group if "seconds" in line]
    if measured:
        row |= _times(measured)
    reasons = [line["gave_up"] for line in group if "gave_up" in line]
    return {**row, "gave_up": reasons[0]} if reasons else row


def _times(group: Sequence[dict[str, Any]]) -> Row:
    seconds = [one for line in group for one in line["seconds"]]
    spread = statistics.stdev(seconds) if len(seconds) > 1 else 0.0
    first = statistics.median(line["first_seconds"] for line in group)
    unroll = {"unroll": group[0]["unroll"]} if "unroll" in group[0] else {}
    return {
        "seconds_median": round(statistics.median(seconds), 5),
        "seconds_min": min(seconds),
        "seconds_std": round(spread, 5),
        "peak_bytes": max(line["peak_bytes"] for line in group),
        "first_seconds": round(first, 3),
        **unroll,
    }


def timed(rows: Iterable[Row]) -> list[Row]:
    """The rows that have times."""
    return [row for row in rows if "seconds_median" in row]


class Ratio(NamedTuple):
    """gtn_tf's value divided by another's."""

    of: str  # "time" or "memory"
    other: str
    value: float


def ratios(rows: Sequence[Row], steps: int) -> list[Ratio]:
    """The headline ratios at one number of steps, where there are rows for them.

    Args:
        rows: From `make_rows`.
        steps: Inner steps.

    Returns:
        Time against the fastest PyTorch peer, `torch_checkpoint` and
        `first_order_limit`; memory against `torch`.
    """
    here = {row["implementation"]: row for row in timed(rows) if row["steps"] == steps}
    ours = here.get("gtn_tf")
    if ours is None:
        return []

    def ratio(of: str, other: str, label: str | None = None) -> list[Ratio]:
        key = "seconds_median" if of == "time" else "peak_bytes"
        if other not in here:
            return []
        return [Ratio(of, label or other, ours[key] / here[other][key])]

    peers = [here[name] for name in PYTORCH if name in here]
    fastest = min(peers, key=lambda row: row["seconds_median"], default=None)
    found = []
    if fastest:
        name = fastest["implementation"]
        found = ratio("time", name, f"{name}, the fastest in PyTorch")
    return [
        *found,
        *ratio("time", "torch_checkpoint"),
        *ratio("time", "first_order_limit"),
        *ratio("memory", "torch"),
    ]


def all_steps(rows: Iterable[Row]) -> list[int]:
    """The numbers of steps that have rows."""
    return sorted({row["steps"] for row in rows})
