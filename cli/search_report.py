"""The page and the picture of what searches on NAS-Bench-201 found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common import say
from gtn_tf import reports
from gtn_tf.accuracy import mean_and_std
from gtn_tf.atomic_file import as_markdown, write
from gtn_tf.reports.literature import NAS_BENCH_201, Row201
from search_by_table import ANSWER
from search_controls import Truth, largest_of
from search_lab import Scale
from searches import METHODS

_FIGURE = reports.FigureSpec(
    "searches.png",
    "costs",
    "rows.csv",
    by="method",
    x="seconds",
    y="test_accuracy",
    x_label="seconds of the search, trainings before it included",
    y_label="published test accuracy of the cell found [%]",
    title="Large marks: mean accuracy, median seconds",
    y_range=(86.0, 94.5),
    log=True,
)

_HEADER = (
    *("method", "seeds", "test accuracy [%]", "regret", "rank", "candidates"),
    *("seconds", "published [%]"),
)

_PAGE = """\
# Which search method finds the better cells of NAS-Bench-201?

```sh
{commands}
```

Each method searches with its own small trainings or scores on {data}, with images of
{pixels}, N = {cells} and F = {filters}. Reported is the cell that it found: its
published test accuracy on CIFAR-10 after 200 epochs (`{answer}`), mean and standard
deviation over seeds; the mean regret (the best cell has {best:.2f}) and the mean rank
among {count}; the median of seconds. Searches by the table itself, without networks:
[table_only](table_only/README.md).

{table}

{verdict}

![Accuracy of the cell found, against seconds of the search](searches.png)

- Methods with candidates score {candidates} of them. `params` and `synflow` beside
  another score are ranks added, of the cells that `random` draws. With shared or
  predicted weights, {ranked} random cells are ranked. ENAS takes the best of
  {candidates} cells that it draws in the end; NAO's pool has as many.
- Seconds are those of trainings before the search, of scores, and of the method's own
  proposals; `rows.csv` has each. A cell is scored once for each seed, and its seconds
  count in every search that asks for it; the tracing before the first one does not.
  Those of ENAS and of the pool are without the scores in the end.
- Controls need no search. They are exact: means over all draws of distinct cells.

## Published

Dong & Yang 2020 (arXiv 2001.00326). Their searches see the benchmark's own accuracies,
or train at its full size. Here neither is so: the two columns do not compare code.

{published}

`facts.json` has sizes, settings, versions, hardware and date. The benchmark's table is
not in this repository.
"""


def write_report(
    rows: Sequence[Mapping[str, Any]],
    scale: Scale,
    truth: Truth,
    commands: Sequence[str],
    out: Path,
) -> None:
    """Writes README.md, and draws `searches.png` from `rows.csv`.

    Args:
        rows: Of searches and controls.
        scale: The sizes.
        truth: The accuracies.
        commands: What made them.
        out: The folder.
    """
    pixels = f"{scale.image_size}x{scale.image_size} pixels"
    page = _PAGE.format(
        **{**scale._asdict(), "data": rows[0].get("data")},
        commands="\n".join(commands),
        answer=ANSWER,
        pixels=pixels if scale.image_size else "the stored size",
        best=max(truth.accuracies.values()),
        count=f"{len(truth.accuracies):,}",
        table=as_markdown([_HEADER, *_lines(rows)]),
        verdict=_verdict(rows, scale.candidates),
        published=as_markdown([("method", "test accuracy [%]", "trust"), *_quoted()]),
    )
    write(out / "README.md", page)
    reports.write_figures(out, [_FIGURE])
    reports.draw_figures(out, say)


def _lines(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """A line for each method."""
    literature = {row.key: row for row in NAS_BENCH_201}
    published = {name: literature.get(one.published) for name, one in METHODS.items()}
    return [
        (label, *_measured(mine), _shown(published.get(mine[0].get("name", ""))))
        for label, mine in _by_method(rows).items()
    ]


def _by_method(
    rows: Sequence[Mapping[str, Any]],
) -> dict[str, list[Mapping[str, Any]]]:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["method"], []).append(row)
    return groups


def _verdict(rows: Sequence[Mapping[str, Any]], candidates: int) -> str:
    """Which searches find better cells than the number of parameters does."""
    means = {
        label: float(np.mean([row["test_accuracy"] for row in mine]))
        for label, mine in _by_method(rows).items()
    }
    bar = means[largest_of(candidates)]
    searches = {row["method"] for row in rows if "seed" in row}
    better = [name for name in means if name in searches and means[name] > bar]
    return (
        f"Better in the mean than the most parameters of {candidates} cells, "
        f"{bar:.2f}, which need no search: "
        f"{', '.join(better) or 'none of the searches'}."
    )


def _measured(mine: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The measured cells of a method's line."""
    over = mean_and_std([row["test_accuracy"] for row in mine])
    is_control = "seed" not in mine[0]
    std = mine[0]["std"] if is_control else over["std"]
    return (
        "all draws" if is_control else str(len(mine)),
        _accuracy(over["mean"], std if is_control or len(mine) > 1 else None),
        f"{np.mean([row['regret'] for row in mine]):.2f}",
        f"{np.mean([row['rank'] for row in mine]):.0f}",
        str(int(mine[0]["candidates"]) or ""),  # a differentiable search has none
        "" if is_control else _seconds(np.median([row["seconds"] for row in mine])),
    )


def _seconds(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _quoted() -> list[tuple[str, ...]]:
    return [(row.method, _shown(row), row.trust) for row in NAS_BENCH_201]


def _shown(row: Row201 | None) -> str:
    return "" if row is None else _accuracy(row.accuracy, row.std)


def _accuracy(mean: float, std: float | None) -> str:
    return f"{mean:.2f}" if std is None else f"{mean:.2f} \u00b1 {std:.2f}"
