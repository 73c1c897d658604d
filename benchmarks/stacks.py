"""The page's section on gtn_tf's two stacks, a column for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markdown import table
from rows import Row, all_steps

_QUANTITIES = {
    "seconds_median": ("median, s", 1.0, 3),
    "seconds_min": ("minimum, s", 1.0, 3),
    "seconds_std": ("std, s", 1.0, 3),
    "first_seconds": ("first call, s", 1.0, 1),
    "peak_bytes": ("peak memory, MB", 1e6, 0),
}


def section(rows: Sequence[Row], versions: Mapping[str, Mapping[str, str]]) -> str:
    """Compares gtn_tf on its two stacks.

    Args:
        rows: All rows that have times.
        versions: Versions of each stack's packages, by the label of its rows; the first
            stack is what differences are relative to.

    Returns:
        The section, or nothing where there is one stack.
    """
    if len(versions) < 2:
        return ""
    names = [f"TensorFlow {one['tensorflow']}" for one in versions.values()]
    header = ["steps", "", *names, "difference"]
    cells = [
        line
        for steps in all_steps(rows)
        for line in _lines([row for row in rows if row["steps"] == steps], versions)
    ]
    others = [
        ", ".join(f"{k} {v}" for k, v in one.items() if k != "tensorflow")
        for one in versions.values()
    ]
    lists = [f"- {name}: {other}" for name, other in zip(names, others)]
    return "\n\n".join(
        ["## gtn_tf on two stacks", table(header, cells), "\n".join(lists)]
    )


def _lines(here: Sequence[Row], labels: Mapping[str, object]) -> list[list[str]]:
    by_label = {row["implementation"]: row for row in here}
    if not set(labels) <= set(by_label):
        return []
    pair = [by_label[label] for label in labels]
    steps = str(pair[0]["steps"])
    lines = []
    for key, (name, unit, digits) in _QUANTITIES.items():
        values = [row[key] for row in pair]
        shown = [f"{value / unit:.{digits}f}" for value in values]
        # The spread of one measurement is zero.
        change = f"{100 * (values[1] / values[0] - 1):+.0f}%" if values[0] else ""
        lines.append([steps, name, *shown, change])
    return [*lines, [steps, "unroll", *(row["unroll"] for row in pair), ""]]
