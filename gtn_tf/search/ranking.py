"""Quality of a ranking: rank correlations with the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

# Fractions of the candidates, best first by the score, not by the truth.
SLICES = {"all": 1.0, "top half": 0.5, "top tenth": 0.1}

_RESAMPLES = 2000
_FEWEST = 4  # candidates that a correlation needs


def correlations(
    score: Sequence[float], truth: Sequence[float], seed: int = 0
) -> dict[str, dict[str, float | None]]:
    """Rank correlations of a score with the truth (paper, section 3.4).

    Args:
        score: Of each candidate; NaN, for a failed one, ranks last.
        truth: The accuracy of each after its full training; NaN leaves it out.
        seed: Of the bootstrap.

    Returns:
        For each of `SLICES`, the number `n` of candidates, Spearman's `spearman` with
        the bounds `low` and `high` of its 95% bootstrap interval, and `kendall`. They
        are None if there are too few candidates or all are equal.

    Example:

    >>> found = correlations([1, 2, 3, 4, 5], [1, 3, 2, 5, 4])
    >>> round(found["all"]["spearman"], 3)
    0.8
    """
    scores, truths = np.asarray(score, float), np.asarray(truth, float)
    known = np.isfinite(truths)
    scores = np.where(np.isnan(scores), -np.inf, scores)
    order = np.argsort(-scores[known], kind="stable")
    scores, truths = scores[known][order], truths[known][order]
    found: dict[str, dict[str, float | None]] = {}
    for name, share in SLICES.items():
        n = int(np.ceil(share * len(scores)))
        found[name] = {"n": n, **_correlation(scores[:n], truths[:n], seed)}
    return found


def _correlation(a: np.ndarray, b: np.ndarray, seed: int) -> dict[str, float | None]:
    nothing = dict.fromkeys(("spearman", "low", "high", "kendall"))
    if len(a) < _FEWEST or not (_differ(a) and _differ(b)):
        return nothing
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(a), size=(_RESAMPLES, len(a)))
    low, high = np.quantile(_spearman(a[chosen], b[chosen]), [0.025, 0.975])
    return {
        "spearman": float(stats.spearmanr(a, b).statistic),
        "low": float(low),
        "high": float(high),
        "kendall": float(stats.kendalltau(a, b).statistic),
    }


def _spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Spearman's of each row of `[rows, n]`, without rows of equal values."""
    a, b = (stats.rankdata(one, axis=1) - (one.shape[1] + 1) / 2 for one in (a, b))
    norms = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    defined = norms > 0
    return (a * b).sum(axis=1)[defined] / norms[defined]


def _differ(values: np.ndarray) -> bool:
    return bool(np.any(values != values[0]))


def summed_ranks(scores: Sequence[Sequence[float]]) -> np.ndarray:
    """Ranks candidates by several scores at once.

    Args:
        scores: For each score, that of each candidate; greater is better, and NaN,
            for a failed one, ranks last.

    Returns:
        The sum of each candidate's ranks, where rank 1 is the best and ties share the
        mean rank; smaller is better.

    Example:

    >>> summed_ranks([[0.9, 0.8, 0.7], [10, 30, 20]]).tolist()
    [4.0, 3.0, 5.0]
    """
    each = np.asarray(scores, float)
    each = np.where(np.isnan(each), -np.inf, each)
    return stats.rankdata(-each, axis=1).sum(axis=0)


def format_correlations(found: Mapping[str, Mapping[str, float | None]]) -> str:
    """Formats the result of `correlations` in two lines, with intervals.

    Args:
        found: The correlations of each slice.

    Example:

    >>> print(format_correlations(correlations(range(8), range(8))))
    Spearman, all 1.00 [1.00, 1.00]
    top half 1.00 [1.00, 1.00]
    """
    known = [
        f"{part} {one['spearman']:.2f} [{one['low']:.2f}, {one['high']:.2f}]"
        for part, one in found.items()
        if one["spearman"] is not None
    ]
    if not known:
        return "too few for a correlation"
    return "\n".join([f"Spearman, {known[0]}", ", ".join(known[1:])]).strip()
