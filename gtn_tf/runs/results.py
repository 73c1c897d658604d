"""The results of a finished run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gtn_tf.errors import first_line
from gtn_tf.run_files import damaged, read_json
from gtn_tf.runs.directory import RunDirectory

# Of the results of learners: the entries of a summary, after whose they are.
_KEYS = {
    "mean": "accuracy_mean",
    "std": "accuracy_std",
    "balanced_mean": "balanced_accuracy_mean",
    "balanced_std": "balanced_accuracy_std",
}


def is_finished(
    run: RunDirectory, exports: bool, report: Callable[[str], None]
) -> bool:
    """Whether a run has all its results; a missing export is reported.

    Args:
        run: The run.
        exports: Whether it ends with a SavedModel.
        report: Called with a line if the SavedModel of a finished run is gone.
    """
    if not run.summary.exists():
        return False
    if exports and not (run.export / "saved_model.pb").exists():
        report(f"{run.export}: the run is finished but its export is gone: made again")
        return False
    return True


def accuracy_of(summary: dict[str, Any], who: str) -> dict[str, Any]:
    """What `gtn_tf.accuracy.over_learners` found, read back from a summary.

    Args:
        summary: The content of `summary.json`.
        who: `"test"` or `"real_data"`.

    Example:

    >>> found = {"mean": 0.5, "std": 0.1}
    >>> accuracy_of(as_entries(found, "test"), "test") == found
    True
    """
    entries = {name: f"{who}_{key}" for name, key in _KEYS.items()}
    needed = ("mean", "std")
    return {
        name: summary[key]
        for name, key in entries.items()
        if name in needed or key in summary
    }


def as_entries(found: dict[str, Any], who: str) -> dict[str, Any]:
    """Names what `gtn_tf.accuracy.over_learners` found, for a summary.

    Args:
        found: The measures of the learners.
        who: As for `accuracy_of`.
    """
    return {f"{who}_{_KEYS[name]}": value for name, value in found.items()}


def report_results(
    run: RunDirectory,
    outcome: Callable[[dict[str, Any], RunDirectory], str],
    report: Callable[[str], None],
) -> dict[str, Any]:
    """Reports the results of a finished run.

    Args:
        run: The run.
        outcome: Describes the content of `summary.json`.
        report: Called with the description.

    Returns:
        The content of `summary.json`.

    Raises:
        RunError: If the file is damaged.
    """
    summary = read_json(run.summary)
    try:
        words = outcome(summary, run)
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(run.summary, first_line(error)) from None
    report(words)
    return summary
