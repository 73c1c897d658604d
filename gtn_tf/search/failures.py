"""What is said of candidates that failed, and when a search is given up for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from gtn_tf.search.errors import SearchError

_ALIKE = 3  # candidates that fail in the same way, after which a search stops


def common_failure(scored: Sequence[Any]) -> str:
    """Why the first candidates failed, if all of them did, and alike; else "".

    Args:
        scored: Trials of the first phase, in their order.
    """
    first = scored[:_ALIKE]
    if len(first) < _ALIKE or any(t.status != "FAILED" for t in first):
        return ""
    # Names of layers and shapes differ from candidate to candidate.
    reasons = {re.sub(r"\d+", "", last_line(t.message)) for t in first}
    return last_line(first[0].message) if len(reasons) == 1 else ""


def expect_some_success(
    name: str, trials: Sequence[Any], stopped: bool, place: str, remedy: str
) -> None:
    """Checks that not all trials of a phase failed.

    Args:
        name: What they are called.
        trials: All trials of the phase, in their order.
        stopped: Whether there would have been more.
        place: The file with the reasons.
        remedy: What to do.

    Raises:
        SearchError: If there are some, and all of them failed.
    """
    if not trials or any(trial.status != "FAILED" for trial in trials):
        return
    number = f"the first {len(trials)}" if stopped else "all"
    raise SearchError(
        f"{number} {name} failed: {last_line(trials[0].message)}. {place} has every "
        f"reason; {remedy}"
    )


def last_line(message: str | None) -> str:
    """The error itself, from a message that holds a stack trace.

    Args:
        message: Of a trial.

    Example:

    >>> last_line("Traceback ...\\n  File ...\\nValueError: too large\\n")
    'ValueError: too large'
    """
    lines = (message or "").strip().splitlines()
    return lines[-1] if lines else "see the worker's output"
