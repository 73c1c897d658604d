"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lines of a table.

    Example:

    >>> print(table(["steps", "seconds"], [["8", "0.5"]]))
    | steps | seconds |
    |---|---|
    | 8 | 0.5 |
    """
    rule = "|" + "---|" * len(header)
    return "\n".join([_line(header), rule, *map(_line, rows)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
