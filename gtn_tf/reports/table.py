"""Published results beside what this code measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from gtn_tf.atomic_file import as_csv, as_markdown
from gtn_tf.errors import shown
from gtn_tf.reports.literature import TABLES, Row
from gtn_tf.run_files import RunError, read_cells, read_rows

COLUMNS = (
    *("key", "full_size", "full_params", "scale", "params", "error", "std", "seeds"),
    *("search_seconds", "training_seconds"),
)
HEADER = (
    *("method", "published error [%]", "published params", "GPU-days"),
    *("params at full size", "measured error [%]", "params at the scale"),
    *("search [s]", "training [s]", "scale"),
)
_NUMBERS = (
    *("full_params", "params", "error", "std"),
    *("search_seconds", "training_seconds"),
)
_NOT_RUN = "not run"

Measured = Mapping[str, Mapping[str, str]]


def read_measured(path: Path) -> Measured:
    """Reads what was measured.

    Args:
        path: A CSV file with `COLUMNS`, as `cli/architecture_table.py` writes it.

    Returns:
        For each row's key, its columns.

    Raises:
        RunError: If it is something else.
    """
    if tuple((read_cells(path) or [[]])[0]) != COLUMNS:
        raise RunError(f"{path}: expected the columns {','.join(COLUMNS)}")
    rows = read_rows(path)
    for row in rows:
        for name in _NUMBERS:
            if not _is_number(row[name], may_lack=name == "search_seconds"):
                raise RunError(
                    f"{path}: expected a number as {name} of {shown(row['key'])}, "
                    f"received {shown(row[name])}"
                )
    return {row["key"]: row for row in rows}


def _is_number(text: str, may_lack: bool) -> bool:
    try:
        return (may_lack and not text) or math.isfinite(float(text))
    except ValueError:
        return False


def lines(rows: tuple[Row, ...], measured: Measured) -> list[tuple[str, ...]]:
    """The cells of a table, a row for each published result, or each search.

    Args:
        rows: Published results, or searches of this code.
        measured: Measured columns of some of them; the others were not run.

    Example:

    >>> from gtn_tf.reports.literature import OTHERS
    >>> lines(OTHERS[:1], {})[0][:5]
    ('NASNet-A', '3.41', '3.3M', '2000', 'not run')
    """
    found: list[tuple[str, ...]] = []
    for row in rows:
        published = (row.method, *_published(row))
        mine = measured.get(row.key)
        if mine is None:
            found.append((*published, *(_NOT_RUN,) * 5, ""))
            continue
        found.append(
            (
                *published,
                f"{_millions(mine['full_params'])}, {mine['full_size']}",
                f"{float(mine['error']):.2f} \u00b1 {float(mine['std']):.2f} "
                f"({mine['seeds']} seeds)",
                _millions(mine["params"]),
                f"{float(mine['search_seconds']):.0f}"
                if mine["search_seconds"]
                else "",
                f"{float(mine['training_seconds']):.0f}",
                mine["scale"],
            )
        )
    return found


def _published(row: Row) -> tuple[str, str, str]:
    """Error, parameters and GPU-days; empty if nothing was published."""
    numbers = row.error, row.params, row.gpu_days
    error, params, days = ("" if one is None else f"{one:g}" for one in numbers)
    std = f" \u00b1 {row.std:g}" if row.std else ""
    return error + std, params and f"{params}M", days


def _millions(count: str) -> str:
    return f"{float(count) / 1e6:.3f}M"


def markdown(measured: Measured) -> str:
    """All tables in Markdown.

    Args:
        measured: From `read_measured`.
    """
    parts = []
    for title, rows in TABLES.items():
        parts += [f"## {title}", as_markdown([HEADER, *lines(rows, measured)])]
    return "\n\n".join(parts) + "\n"


def comma_separated(measured: Measured) -> str:
    """All tables as CSV, with the title of each row's table.

    Args:
        measured: From `read_measured`.
    """
    rows = [
        (title, *line)
        for title, rows in TABLES.items()
        for line in lines(rows, measured)
    ]
    return as_csv([("table", *HEADER), *rows])
