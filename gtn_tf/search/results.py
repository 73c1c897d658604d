"""The table of a search: one row for each candidate."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gtn_tf.atomic_file import write
from gtn_tf.search.stages import SCORED_BY

if TYPE_CHECKING:
    from gtn_tf.search.oracle import GTNOracle

_SIZES = ("params", "flops")


def write_results(oracle: GTNOracle, path: Path) -> None:
    """Writes results.csv, wholly or not at all.

    A row for each scored candidate: its trial, genotype, size, scores, rank (1 is the
    best), the objective after its full training, the seconds that both took, and why
    it failed, if it did.

    Args:
        oracle: Whose trials are written.
        path: The file.
    """
    ranks = {t.trial_id: n for n, t in enumerate(oracle.ranking(), start=1)}
    trained = {t.hyperparameters.values[SCORED_BY]: t for t in oracle.trained_trials()}
    scored = oracle.scored_trials()
    names = {name for trial in scored for name in trial.metrics.metrics}
    objective = oracle.objective.name
    scores = [*oracle.rank_by, *sorted(names - {*oracle.rank_by, objective})]
    scores = [n for n in scores if n not in (*_SIZES, "seconds")]
    lines = io.StringIO()
    table = csv.writer(lines, lineterminator="\n")
    columns = ["trial", "genotype", *_SIZES, *scores, "rank", objective]
    table.writerow([*columns, "seconds", "training_seconds", "failure"])
    for trial in scored:
        full = trained.get(trial.trial_id)
        failed = [t.message for t in (trial, full) if t and t.status == "FAILED"]
        table.writerow(
            [
                trial.trial_id,
                oracle.describe(trial.hyperparameters),
                *(_number(trial, name) for name in (*_SIZES, *scores)),
                ranks.get(trial.trial_id, ""),
                _number(full, objective),
                _number(trial, "seconds"),
                _number(full, "seconds"),
                last_line(failed[-1]) if failed else "",
            ]
        )
    write(path, lines.getvalue())


def _number(trial: Any, name: str) -> str:
    value = score_of(trial, name) if trial else math.nan
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() else f"{value:.6g}"


def score_of(trial: Any, name: str) -> float:
    """A metric of a trial.

    Args:
        trial: Of either phase.
        name: Of the metric.

    Returns:
        Its value, NaN if there is none.
    """
    if not trial.metrics.exists(name):
        return math.nan
    history = trial.metrics.get_history(name)
    return float(np.mean(history[-1].value)) if history else math.nan


def last_line(message: str | None) -> str:
    """The error itself, from a message that holds a stack trace.

    Args:
        message: Of a trial.
    """
    lines = (message or "").strip().splitlines()
    return lines[-1] if lines else "see the worker's output"
