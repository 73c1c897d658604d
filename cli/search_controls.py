"""What searches on NAS-Bench-201 are compared with, without any search."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


class Truth:
    """The accuracies that are reported.

    Args:
        accuracies: Of each cell, in percent.
    """

    def __init__(self, accuracies: Mapping[str, float]) -> None:
        self.accuracies = accuracies
        self._sorted = np.sort([*accuracies.values()])

    def of(self, cells: Sequence[str]) -> dict[str, float]:
        """Accuracy, rank and regret, each the mean over cells.

        Args:
            cells: Their names.
        """
        found = np.array([self.accuracies[cell] for cell in cells])
        return {
            "test_accuracy": float(found.mean()),
            "rank": float(self.ranks(found).mean()),
            "regret": float((self._sorted[-1] - found).mean()),
        }

    def ranks(self, accuracies: np.ndarray) -> np.ndarray:
        """1 and the number of cells that are better.

        Args:
            accuracies: `[n]`.
        """
        no_better = np.searchsorted(self._sorted, accuracies, side="right")
        return 1 + len(self._sorted) - no_better


def best_of(scores: np.ndarray, count: int) -> np.ndarray:
    """The probability of each cell to be the best by a score among some random cells.

    Args:
        scores: Of all cells, `[n]`; greater is better. Equal ones are equally likely.
        count: Distinct cells that are drawn.

    Returns:
        Probabilities `[n]`.
    """
    _, group, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    up_to = np.cumsum(sizes)  # cells with at most this score
    # C(m, count) / C(n, count): the probability that all draws are among m cells.
    drawn = [_choices(m, count) - _choices(len(scores), count) for m in [0, *up_to]]
    of_group = np.diff(np.exp(drawn))
    return (of_group / sizes)[group]


def _choices(of: int, count: int) -> float:
    """The logarithm of a binomial coefficient."""
    if count > of:
        return -math.inf
    return math.lgamma(of + 1) - math.lgamma(count + 1) - math.lgamma(of - count + 1)


def largest_of(candidates: int) -> str:
    """The name of the control that takes the largest of some random cells.

    Args:
        candidates: How many.
    """
    return f"control: most parameters of {candidates}"


def controls(
    truth: Truth, params: Mapping[str, float], candidates: int
) -> list[dict[str, Any]]:
    """Rows of what needs no search, in closed form.

    Args:
        truth: The accuracies.
        params: Of each cell, its number of parameters.
        candidates: Cells that a search may score.
    """
    cells = [*truth.accuracies]
    accuracies = np.array([truth.accuracies[cell] for cell in cells])
    sizes = np.array([params[cell] for cell in cells])
    given = {
        "control: random choice": (sizes, 1),
        largest_of(candidates): (sizes, candidates),
        f"control: most parameters of all {len(cells)}": (sizes, len(cells)),
        f"control: best of {candidates} by truth": (accuracies, candidates),
    }
    rows = []
    for name, (scores, count) in given.items():
        chances = best_of(scores, min(count, len(cells)))
        mean = float(chances @ accuracies)
        rows.append(
            {
                "method": name,
                "test_accuracy": mean,
                "rank": float(chances @ truth.ranks(accuracies)),
                "regret": float(accuracies.max()) - mean,
                "candidates": count,
                "std": float(np.sqrt(chances @ (accuracies - mean) ** 2)),
            }
        )
    return rows
