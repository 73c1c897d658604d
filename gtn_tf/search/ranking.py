"""Quality of a ranking: rank correlations with the truth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

# Fractions of the candidates, best first by the score.
SLICES = {"all": 1.0, "top half": 0.5, "top tenth": 0.1}
BEST_HALF = "best half"  # by the truth: the same candidates for all scores

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
        For each of `SLICES` and for `BEST_HALF`, the number `n` of candidates,
        Spearman's `spearman` with the bounds `low` and `high` of its 95% bootstrap
        interval, and `kendall`. They are None if there are too few candidates or all
        are equal.

    Example:

    >>> found = correlations([1, 2, 3, 4, 5], [1, 3, 2, 5, 4])
    >>> round(found["all"]["spearman"], 3)
    0.8
    """
    scores, truths = np.asarray(score, float), np.asarray(truth, float)
    known = np.isfinite(truths)
    scores = np.where(np.isnan(scores), -np.inf, scores)
    scores, truths = scores[known], truths[known]
    order = np.argsort(-scores, kind="stable")
    parts = {
        name: order[: math.ceil(share * len(scores))] for name, share in SLICES.items()
    }
    parts[BEST_HALF] = best_half(truths)
    return {
        name: {"n": len(part), **_correlation(scores[part], truths[part], seed)}
        for name, part in parts.items()
    }


def best_half(truth: Sequence[float] | np.ndarray) -> np.ndarray:
    """Which candidates are the better half by the truth, in their order.

    Args:
        truth: The accuracy of each, without NaN.

    Example:

    >>> best_half([0.9, 0.5, 0.7, 0.8]).tolist()
    [0, 3]
    """
    truths = np.asarray(truth, float)
    order = np.argsort(-truths, kind="stable")
    return np.sort(order[: math.ceil(len(truths) / 2)])


def _correlation(a: np.ndarray, b: np.ndarray, seed: int) -> dict[str, float | None]:
    nothing = dict.fromkeys(("spearman", "low", "high", "kendall"))
    if len(a) < _FEWEST or not (_differ(a) and _differ(b)):
        return nothing
    low, high = interval(resampled([a], b, seed)[0])
    return {
        "spearman": float(stats.spearmanr(a, b).statistic),
        "low": low,
        "high": high,
        "kendall": float(stats.kendalltau(a, b).statistic),
    }


def resampled(
    scores: Sequence[Sequence[float] | np.ndarray],
    truth: Sequence[float] | np.ndarray,
    seed: int = 0,
) -> np.ndarray:
    """Spearman's correlations on resamples of the candidates, the same for all scores.

    Differences of two rows are those of a paired bootstrap.

    Args:
        scores: For each score, that of each candidate; NaN, for a failed one, ranks
            last.
        truth: The accuracy of each.
        seed: Of the resamples.

    Returns:
        `[scores, resamples]`, NaN where all of a resample are equal.

    Example:

    >>> one, other = resampled([[1, 2, 3, 4], [4, 3, 2, 1]], [5, 6, 7, 8])
    >>> bool(np.nanmax(other) < 0 < np.nanmin(one))
    True
    """
    truths = np.asarray(truth, float)
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(truths), size=(_RESAMPLES, len(truths)))
    each = np.asarray(scores, float)
    each = np.where(np.isnan(each), -np.inf, each)
    return np.stack([spearman(one[chosen], truths[chosen]) for one in each])


def interval(values: np.ndarray) -> tuple[float, float]:
    """The bounds of a 95% bootstrap interval.

    Args:
        values: Of each resample; NaN, where there is none, is left out. If there is no
            other, the bounds are NaN.

    Example:

    >>> interval(np.arange(1001.0))
    (25.0, 975.0)
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return math.nan, math.nan
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)


def spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Spearman's correlation of each row with a row.

    Args:
        a: `[rows, n]`, without NaN.
        b: Likewise.

    Returns:
        `[rows]`, NaN for rows of equal values.

    Example:

    >>> spearman(np.array([[1, 2, 3], [3, 2, 1]]), np.array([[4, 5, 6]] * 2)).tolist()
    [1.0, -1.0]
    """
    a, b = (stats.rankdata(one, axis=1) - (one.shape[1] + 1) / 2 for one in (a, b))
    norms = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    undefined = np.full(len(norms), np.nan)
    return np.divide((a * b).sum(axis=1), norms, out=undefined, where=norms > 0)


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
    """Formats the result of `correlations` in three lines, with intervals.

    Args:
        found: The correlations of each slice.

    Example:

    >>> print(format_correlations(correlations(range(8), range(8))))
    Spearman, all 1.00 [1.00, 1.00]
    top half 1.00 [1.00, 1.00]
    best half 1.00 [1.00, 1.00]
    """
    known = {
        part: f"{part} {one['spearman']:.2f} [{one['low']:.2f}, {one['high']:.2f}]"
        for part, one in found.items()
        if one["spearman"] is not None
    }
    if not known:
        return "too few for a correlation"
    whole, *by_score = (known[part] for part in SLICES if part in known)
    lines = [f"Spearman, {whole}", ", ".join(by_score), known.get(BEST_HALF, "")]
    return "\n".join(line for line in lines if line)
