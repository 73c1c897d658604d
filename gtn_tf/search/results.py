"""The table of a search: one row for each candidate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np

from gtn_tf.atomic_file import as_csv, write
from gtn_tf.search.failures import last_line
from gtn_tf.search.phases import SCORED_BY

_SIZES = ("params", "flops")


def write_results(
    path: Path,
    ranking: Sequence[Any],
    scored: Sequence[Any],
    trained: Sequence[Any],
    rank_by: Sequence[str],
    objective: str,
    describe: Callable[[keras_tuner.HyperParameters], str],
) -> None:
    """Writes results.csv atomically.

    A row for each scored candidate: its trial, genotype, size, scores, rank (1 is the
    best), the objective after its full training, the seconds of both, and the reason
    of a failure.

    Args:
        path: The file.
        ranking: Finished trials of the first phase, best first.
        scored: All trials of the first phase, in their order.
        trained: Trials of the second phase.
        rank_by: Names of the scores to rank by.
        objective: Name of the objective.
        describe: Writes a trial's architecture, given its hyperparameters.
    """
    ranks = {t.trial_id: n for n, t in enumerate(ranking, start=1)}
    full_of = {t.hyperparameters.values[SCORED_BY]: t for t in trained}
    names = {name for trial in scored for name in trial.metrics.metrics}
    scores = [*rank_by, *sorted(names - {*rank_by, objective})]
    scores = [n for n in scores if n not in (*_SIZES, "seconds")]
    columns = ["trial", "genotype", *_SIZES, *scores, "rank", objective]
    rows: list[list[object]] = [[*columns, "seconds", "training_seconds", "failure"]]
    for trial in scored:
        full = full_of.get(trial.trial_id)
        failed = [t.message for t in (trial, full) if t and t.status == "FAILED"]
        rows.append(
            [
                trial.trial_id,
                describe(trial.hyperparameters),
                *(_number(trial, name) for name in (*_SIZES, *scores)),
                ranks.get(trial.trial_id, ""),
                _number(full, objective),
                _number(trial, "seconds"),
                _number(full, "seconds"),
                last_line(failed[-1]) if failed else "",
            ]
        )
    write(path, as_csv(rows))


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
        Its value, or NaN if there is none.
    """
    if not trial.metrics.exists(name):
        return math.nan
    history = trial.metrics.get_history(name)
    return float(np.mean(history[-1].value)) if history else math.nan
