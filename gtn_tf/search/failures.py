"""Reports failed candidates, and decides when a search stops because of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from gtn_tf.search.errors import SearchError

_ALIKE = 3  # a search stops after this many candidates with the same failure


def common_failure(scored: Sequence[Any]) -> str:
    """The failure that the first candidates share; "" if they do not.

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
        name: Of the trials, in the plural.
        trials: All trials of the phase, in their order.
        stopped: Whether the phase stopped early.
        place: The file with the reasons.
        remedy: What to do.

    Raises:
        SearchError: If there are trials, and all of them failed.
    """
    if not trials or any(trial.status != "FAILED" for trial in trials):
        return
    number = f"the first {len(trials)}" if stopped else "all"
    raise SearchError(
        f"{number} {name} failed: {last_line(trials[0].message)}. {place} has every "
        f"reason; {remedy}"
    )


def last_line(message: str | None) -> str:
    """The error itself, from a message with a stack trace.

    Args:
        message: Of a trial.

    Example:

    >>> last_line("Traceback ...\\n  File ...\\nValueError: too large\\n")
    'ValueError: too large'
    """
    lines = (message or "").strip().splitlines()
    return lines[-1] if lines else "see the worker's output"
