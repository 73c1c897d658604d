"""Accuracy by inner step, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

Curves = dict[tuple[str, int], np.ndarray]  # of each source and learner, [tested]


def tested_steps(steps: int, every: int) -> list[int]:
    """The steps after which learners are tested.

    Args:
        steps: Number of steps of the curriculum.
        every: Steps between tests.

    Example:

    >>> tested_steps(5, 2)
    [2, 4, 5]
    """
    return sorted({*range(every, steps + 1, every), steps})


def as_rows(
    curves: Mapping[tuple[str, int], np.ndarray], steps: Sequence[int]
) -> list[tuple[object, ...]]:
    """Makes a row for each source, learner and step.

    Args:
        curves: Accuracies `[len(steps)]` of each source and learner.
        steps: The steps after which they were measured.

    Returns:
        A header and the rows: `source`, `learner`, `step` and `accuracy`.
    """
    rows = [
        (source, learner, step, float(accuracy))
        for (source, learner), curve in curves.items()
        for step, accuracy in zip(steps, curve)
    ]
    return [("source", "learner", "step", "accuracy"), *rows]


def of_learners(curves: Mapping[str, np.ndarray]) -> Curves:
    """Splits each source's array `[learners, tested]` by learner.

    Args:
        curves: One array for each source.
    """
    return {
        (source, learner): curve
        for source, learners in curves.items()
        for learner, curve in enumerate(learners)
    }
