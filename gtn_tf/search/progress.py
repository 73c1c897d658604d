"""What a person watching a search reads when a trial has ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

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
    """One line for a trial that has ended.

    Args:
        trial: The trial.
        same: All trials of its phase.
        kind: What they are called.
        total: How many they will be.
        names: Of the metrics that are shown.
        seconds_left: At most, of all workers together.
        workers: That share the phase.
    """
    done = sum(other.status in FINISHED for other in same)
    if trial.status == "COMPLETED":
        found = "  ".join(f"{name} {score_of(trial, name):.4g}" for name in names)
    else:
        found = f"failed: {last_line(trial.message)}"
    seconds = [score_of(t, "seconds") for t in same if t.status == "COMPLETED"]
    left = float(np.nanmean(seconds or [0.0])) * (total - done)
    left = min(left, seconds_left) / workers
    return f"{kind} {done}/{total}  {found}  about {left:.0f} s left"


def say(line: str) -> None:
    """Prints a line at once, wherever it goes.

    Args:
        line: Of progress.
    """
    print(line, flush=True)
