"""Accuracy by inner step, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gtn_tf.accuracy import MEASURES

# Of each source and learner, [tested, measures].
Curves = dict[tuple[str, int], np.ndarray]


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
        curves: Accuracies `[len(steps), measures]` of each source and learner.
        steps: The steps after which they were measured.

    Returns:
        A header and the rows: `source`, `learner`, `step` and the measures.
    """
    rows = [
        (source, learner, step, *values)
        for (source, learner), curve in curves.items()
        for step, values in zip(steps, curve.tolist())
    ]
    measures = MEASURES[: next(iter(curves.values())).shape[-1]]
    return [("source", "learner", "step", *measures), *rows]


def of_learners(curves: Mapping[str, np.ndarray]) -> Curves:
    """Splits each source's array `[learners, tested, measures]` by learner.

    Args:
        curves: One array for each source.
    """
    return {
        (source, learner): curve
        for source, learners in curves.items()
        for learner, curve in enumerate(learners)
    }
