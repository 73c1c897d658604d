"""The line that reports a finished trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gtn_tf.countdown import Pace, time_left
from gtn_tf.search.failures import last_line
from gtn_tf.search.kerastuner import FINISHED
from gtn_tf.search.results import score_of


def progress_line(
    trial: Any,
    same: Sequence[Any],
    kind: str,
    total: int,
    names: Sequence[str],
    seconds_left: float,
    workers: int,
) -> str:
    """One line for a finished trial.

    Args:
        trial: The trial.
        same: All trials of its phase.
        kind: Of the trials, in the singular.
        total: Trials of the phase.
        names: Of the metrics to show.
        seconds_left: At most, summed over all workers.
        workers: Number of workers.
    """
    pace = _pace(same, total, workers)
    if trial.status == "COMPLETED":
        found = "  ".join(f"{name} {score_of(trial, name):.4g}" for name in names)
    else:
        found = f"failed: {last_line(trial.message)}"
    left = time_left(min(pace.seconds_left, seconds_left / workers))
    speed = ", ".join(filter(None, [pace.rate(kind), left]))
    return "  ".join(filter(None, [f"{kind} {pace.position}", found, speed]))


def _pace(same: Sequence[Any], total: int, workers: int) -> Pace:
    done = sum(trial.status in FINISHED for trial in same)
    seconds = [score_of(t, "seconds") for t in same if t.status == "COMPLETED"]
    known = [one for one in seconds if not math.isnan(one)]
    return Pace(done, total, len(known), sum(known) / workers)


def say(line: str) -> None:
    """Prints a line and flushes it.

    Args:
        line: The line.
    """
    print(line, flush=True)
