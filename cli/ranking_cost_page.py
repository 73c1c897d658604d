"""The page of rank correlation against CPU seconds."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gtn_tf.atomic_file import as_markdown, write
from ranking_cost_pictures import has_several_teachers

Rows = Sequence[Mapping[str, Any]]

_PAGE = """# Which score ranks cells best for its CPU seconds?

```sh
{command} \\
    --table FILE --data-dir D
```

![Spearman's correlation against CPU seconds a cell](cost.png)

{cells} cells of NAS-Bench-201 as networks of one cell in each part and {filters}
channels, on {data}. Training speed: minus the mean loss of all steps up to there;
last losses: of the last 32 of them. All lengths of a line are read from one
training of each cell. Spearman with the published test accuracy after 200 epochs;
95% bootstrap intervals over cells, the same resamples for all scores. Best half: by
the truth, the same cells for all scores; top half: as ranked by the score itself.
CPU seconds: of training alone, in proportion to its steps (of accuracy: all steps
and the test), the mean over cells without tracing; the draw of the batches, the
same for all cells, is not counted. `real data` in `minus real data`: as many steps
of the first line of real data.

{scores}

Sums of ranks:

{sums}

How many times the CPU seconds of a teacher real data needs to rank as well
(interpolated on its line; `>`: its longest training does not, `<`: its shortest
does), and the same with the teacher's own training spread over the cells. That is its
wall seconds, or CPU seconds if the command above gives them:

{factors}

{teachers}`contenders/` has each cell's losses, scores, CPU seconds and wall
seconds, `correlations.csv` all lengths, `facts.json` sizes, seed, versions,
hardware and date. The published accuracies are not in this repository: the same
command with `--plot` writes this page again.
"""
_TEACHERS = "![Correlation by meta-training and by accuracy](teachers.png)\n\n"


def write_page(rows: Rows, factors: Rows, cells: int, out: Path) -> None:
    """Writes README.md.

    Args:
        rows: Of correlations.csv.
        factors: Of factors.csv.
        cells: Their number.
        out: The folder, with facts.json and the pictures.
    """
    facts = json.loads((out / "facts.json").read_text(encoding="utf-8-sig"))
    shown = [*_shown(rows)]
    text = _PAGE.format(
        command=facts["command"],
        data=facts["data"],
        filters=facts["scale"]["filters"],
        cells=cells,
        scores=_scores([row for row in shown if not row["added"]]),
        sums=_scores([row for row in shown if row["added"]]),
        factors=_factors(factors),
        teachers=_TEACHERS if has_several_teachers(rows) else "",
    )
    write(out / "README.md", text)


def _shown(rows: Rows) -> Iterator[Mapping[str, Any]]:
    """Of each line the longest training, and the teachers' number of steps."""
    taught = [row["steps"] for row in rows if row["is_teacher"]]
    longest: dict[tuple[str, str], int] = {}
    for row in rows:
        key = row["line"], row["kind"]
        longest[key] = max(longest.get(key, 0), row["steps"])
    for row in rows:
        if row["steps"] in (longest[row["line"], row["kind"]], max(taught, default=0)):
            yield row


def _scores(rows: Rows) -> str:
    head = (
        *("score", "all", "best half", "top half", "minus params"),
        *(
            "minus real data",
            "CPU seconds a cell",
            "mean accuracy",
            "trained before, s",
        ),
    )
    lines = [
        (
            _name(row),
            _with_interval(row, "all"),
            _with_interval(row, "best half"),
            _number(row["top half by the score spearman"]),
            _with_interval(row, "all minus params", "+"),
            _with_interval(row, "all minus real data", "+"),
            f"{row['cpu_seconds']:.3g}",
            f"{row['mean accuracy']:.1%}" if row["mean accuracy"] != "" else "",
            f"{row['made_in']:.0f}" if row["made_in"] != "" else "",
        )
        for row in rows
    ]
    return as_markdown([head, *lines])


def _factors(rows: Rows) -> str:
    head = (
        *("teacher", "score", "cells", "Spearman", "CPU seconds a cell"),
        *("beside", "times", "with its training"),
    )
    lines = [
        (
            row["teacher"],
            " + ".join(filter(None, (row["kind"], row["added"]))),
            row["cells"],
            _number(row["spearman"]),
            f"{row['cpu_seconds']:.3g}",
            row["real data"],
            f"{row['bound']}{row['times']:.3g} [{_time(row, 'low')}, "
            f"{_time(row, 'high')}]",
            f"{row['bound']}{row['times_with_teacher']:.3g}",
        )
        for row in rows
    ]
    return as_markdown([head, *lines])


def _time(row: Mapping[str, Any], end: str) -> str:
    if math.isfinite(row[end]):
        return f"{row[end]:.3g}"
    return f">{row['longest'] / row['cpu_seconds']:.3g}"


def _name(row: Mapping[str, Any]) -> str:
    steps = f"{row['steps']} steps" if row["steps"] else ""
    name = ", ".join(filter(None, (row["line"], steps, row["kind"])))
    return " + ".join(filter(None, (name, row["added"])))


def _with_interval(row: Mapping[str, Any], name: str, sign: str = "") -> str:
    if name not in row:
        return ""
    low, high = row[f"{name} low"], row[f"{name} high"]
    return f"{row[name]:{sign}.3f} [{low:.2f}, {high:.2f}]"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
