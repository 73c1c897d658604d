"""What the recipes share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gtn_tf import runs
from gtn_tf.data import Splits
from gtn_tf.teaching import TrainedTeacher

ROOT = Path(__file__).resolve().parent.parent


def after_all_steps(
    teacher: TrainedTeacher,
    splits: Splits,
    networks: Sequence[str],
    folder: Path,
    learners: int,
    sources: Sequence[str],
) -> dict[str, Any]:
    """Accuracies of fresh networks after the last step, for each kind and source.

    Args:
        teacher: The teacher.
        splits: The real data.
        networks: Kinds of networks; see `gtn_tf.learners.named_learner`.
        folder: Each kind's evaluation goes into a folder of its own in it.
        learners: Fresh networks of each kind.
        sources: Some of `gtn_tf.runs.SOURCES`.

    Returns:
        For each kind, for each source, its `mean` and `std`.
    """
    results = {}
    for network in networks:
        say(f"teaching {network}")
        found = runs.evaluate(
            teacher,
            splits,
            network,
            folder / network,
            learners,
            every=teacher.steps,
            sources=sources,
            report=say,
        )
        results[network] = found["results"]
    return results


def say(line: str) -> None:
    """Prints a line of progress below a recipe's own."""
    print(f"  {line}", flush=True)
