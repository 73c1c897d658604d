"""Pictures of rank correlation against CPU seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from curve_scores import KINDS
from gtn_tf import plots

_FREE = 1e-3  # seconds; what costs less is drawn as a level
_Y = "Spearman with the accuracy after 200 epochs"
_ENDS = ("", " low", " high")
_PARTS = {"all": "all cells", "best half": "the better half of the cells"}

Rows = Sequence[Mapping[str, Any]]


def draw(rows: Rows, out: Path) -> None:
    """Draws `cost.png`, and `teachers.png` if there are several.

    Args:
        rows: Of correlations.csv.
        out: The folder.
    """
    alone = [row for row in rows if not row["added"]]
    panels = [
        plots.CostPanel(
            f"{kind}, {title}",
            "CPU seconds a cell",
            _Y,
            _lines([row for row in _of(alone, kind) if not _is_free(row)], part),
            _levels(alone, part),
        )
        for kind in KINDS
        for part, title in _PARTS.items()
    ]
    plots.against_cost(panels, out / "cost.png")
    if has_several_teachers(rows):
        plots.against_cost(_teachers(alone), out / "teachers.png")


def has_several_teachers(rows: Rows) -> bool:
    """Whether there are teachers to compare with each other.

    Args:
        rows: Of correlations.csv.
    """
    single = (row for row in rows if row["is_teacher"] and row["learners"] == 1)
    return len({row["line"] for row in single}) > 1


def _of(rows: Rows, kind: str) -> Rows:
    """Scores of a kind, and those without a training."""
    return [row for row in rows if row["kind"] in (kind, "")]


def _is_free(row: Mapping[str, Any]) -> bool:
    return not row["kind"] and row["cpu_seconds"] < _FREE


def _levels(rows: Rows, part: str) -> dict[str, float]:
    return {row["line"]: row[part] for row in rows if _is_free(row)}


def _lines(
    rows: Rows, part: str, by: str = "line", x: str = "cpu_seconds"
) -> dict[str, plots.CostLine]:
    names = dict.fromkeys(row[by] for row in rows)
    return {name: _line([r for r in rows if r[by] == name], part, x) for name in names}


def _line(rows: Rows, part: str, x: str) -> plots.CostLine:
    points = sorted((row[x], *(row[f"{part}{end}"] for end in _ENDS)) for row in rows)
    return plots.CostLine(*map(list, zip(*points)))


def _teachers(rows: Rows) -> list[plots.CostPanel]:
    """How teachers rank after all steps, by their meta-training and by what they teach.

    Levels are real data after as many steps, and scores without training.
    """
    found = [row for row in rows if row["is_teacher"]]
    steps = max(row["steps"] for row in found)
    accuracies = {r["line"]: 100 * r["mean accuracy"] for r in found if _tests(r)}
    last = [
        {**row, "accuracy": accuracies[row["line"]], "series": _series(row)}
        for row in found
        if row["steps"] == steps and row["kind"] in KINDS
    ]
    levels = _levels(rows, "all")
    for row in rows:
        is_real = row["line"].startswith("real data") and row["learners"] == 1
        if is_real and row["steps"] == steps and row["kind"] in KINDS:
            levels[f"{row['line']}, {row['kind']}"] = row["all"]
    timed = [row for row in last if row["made_in"] != ""]
    axes = {"made_in": "meta-training [s]", "accuracy": "mean accuracy of cells [%]"}
    return [
        plots.CostPanel(
            f"teachers, {steps} steps",
            label,
            _Y,
            _lines(shown, "all", "series", x),
            levels,
            log_x=False,
            joined=False,  # a point is a teacher
        )
        for (x, label), shown in zip(axes.items(), (timed, last))
    ]


def _tests(row: Mapping[str, Any]) -> bool:
    return row["kind"] == "accuracy"


def _series(row: Mapping[str, Any]) -> str:
    many = f", {row['learners']} networks" if row["learners"] > 1 else ""
    return f"teachers, {row['kind']}{many}"
