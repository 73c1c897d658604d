"""Scores that are read from loss curves, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from loss_curves import CPU, TRACED, accuracy_of, loss_of

_LAST = 32  # steps of the score by the last losses
_SPEED, _LAST_LOSS = "training speed", "last losses"
KINDS = (_SPEED, _LAST_LOSS)


class Score(NamedTuple):
    """A score of all cells, and what it costs."""

    values: np.ndarray  # `[cells]`; NaN where there is none
    seconds: float  # CPU seconds a cell, the mean without tracing


def score_of(rows: Sequence[Mapping[str, Any]], name: str) -> Score:
    """A score of `Timed`.

    Args:
        rows: One for each cell.
        name: Of the scorer.
    """
    return Score(_column(rows, name), _seconds(rows, f"{CPU}{name}", name))


def scores_at(
    rows: Sequence[Mapping[str, Any]], learners: int, steps: int, block: int
) -> dict[str, dict[int, Score]]:
    """Scores that can be read from the loss curves of one training.

    Args:
        rows: One for each cell, from `LossCurve`s.
        learners: How many, the first ones, are averaged; their seconds are added.
        steps: Of the training.
        block: Steps of a block.

    Returns:
        For each of `KINDS`, and each number of steps that is a block times a power
        of two, the score: minus the mean loss of all steps up to there, or of the last
        32 of these. And for `"accuracy"` that after all steps, whose seconds include
        the test.
    """
    losses = np.stack([_losses(rows, n, steps, block) for n in range(learners)])
    training, testing = (
        sum(_seconds(rows, f"{CPU}{part}_{n}", str(n)) for n in range(learners))
        for part in ("training", "testing")
    )
    found: dict[str, dict[int, Score]] = {kind: {} for kind in KINDS}
    for at in lengths(steps, block):
        blocks = {_SPEED: at // block, _LAST_LOSS: max(1, min(_LAST, at) // block)}
        for kind, count in blocks.items():
            read = losses[..., at // block - count : at // block]
            values = -read.mean(axis=(0, 2))
            found[kind][at] = Score(values, training * at / steps)
    accuracies = [_column(rows, accuracy_of(n)) for n in range(learners)]
    tested = Score(np.mean(accuracies, axis=0), training + testing)
    return {**found, "accuracy": {steps: tested}}


def lengths(steps: int, block: int) -> list[int]:
    """The numbers of steps after which scores are read.

    Args:
        steps: Of the training.
        block: The first of them.

    Example:

    >>> lengths(128, 16)
    [16, 32, 64, 128]
    """
    doubled = [block * 2**power for power in range(steps.bit_length())]
    return [one for one in doubled if one <= steps]


def _losses(
    rows: Sequence[Mapping[str, Any]], learner: int, steps: int, block: int
) -> np.ndarray:
    """Mean losses of the blocks, `[cells, blocks]`."""
    ends = range(block, steps + 1, block)
    columns = [_column(rows, loss_of(learner, end)) for end in ends]
    return np.stack(columns, axis=1)


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    return np.array([row.get(name, np.nan) for row in rows], float)


def _seconds(rows: Sequence[Mapping[str, Any]], name: str, of: str) -> float:
    """The mean of a column of seconds, of rows without tracing if there are any."""
    seconds, traced = _column(rows, name), _column(rows, f"{TRACED}{of}")
    warm = seconds[traced == 0]
    return float(np.nanmean(warm if len(warm) else seconds))
