"""From the workers' lines to the rows of both tables."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from ranking.contenders import LABELS, TORCH

Row = dict[str, Any]


def speed_rows(lines: Sequence[dict[str, Any]]) -> list[Row]:
    """Summarises all processes of a contender in a space.

    Args:
        lines: The workers', with their contenders, parts and spaces.

    Returns:
        One row for each, in the order of their first lines, without what was not
        measured.
    """
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in lines:
        if line["part"] != "memory":
            groups.setdefault((line["space"], line["contender"]), []).append(line)
    return [_row(*names, group) for names, group in groups.items()]


def _row(space: str, contender: str, group: Iterable[dict[str, Any]]) -> Row:
    row: Row = {"space": space, "contender": contender}
    by_part: dict[str, list[dict[str, Any]]] = {}
    for line in group:
        by_part.setdefault(line["part"], []).append(line)
    summaries = {
        "speed": _speed,
        "together": _together,
        "sizes": _sizes,
        "steps": _steps,
        "meta": _meta,
    }
    for part, lines in by_part.items():
        row |= summaries[part](lines)
    return row


def _speed(lines: Sequence[dict[str, Any]]) -> Row:
    seconds = [one for line in lines for one in line["seconds"]]
    scores = [one for line in lines for one in line["scores"]]
    return {
        "candidates": len(seconds),
        "first_seconds": statistics.median(line["first_seconds"] for line in lines),
        "seconds_median": round(statistics.median(seconds), 4),
        "seconds_min": round(min(seconds), 4),
        "seconds_max": round(max(seconds), 4),
        "candidates_per_minute": round(60 * len(seconds) / sum(seconds), 2),
        "accuracy_mean": round(statistics.mean(scores), 4),
    }


def _together(lines: Sequence[dict[str, Any]]) -> Row:
    """Of threads or processes, whichever are faster."""
    count = sum(line["candidates"] for line in lines)
    ways = lines[0]["seconds"]
    seconds = {way: sum(line["seconds"][way] for line in lines) / count for way in ways}
    way = min(seconds, key=seconds.__getitem__)
    return {
        "together": way,
        "together_seconds": round(seconds[way], 4),
        "together_per_minute": round(60 / seconds[way], 2),
    }


def _sizes(lines: Sequence[dict[str, Any]]) -> Row:
    seconds = [one for line in lines for one in line["seconds"]]
    return {"sizes_seconds_median": round(statistics.median(seconds), 4)}


def _steps(lines: Sequence[dict[str, Any]]) -> Row:
    scoring = [one for line in lines for one in line["scoring"]]
    alone = [one for line in lines for one in line["alone"]]
    ratios = [mine / other for mine, other in zip(scoring, alone)]
    return {
        "steps_seconds_median": round(statistics.median(scoring), 4),
        "steps_alone_seconds_median": round(statistics.median(alone), 4),
        "steps_ratio_median": round(statistics.median(ratios), 3),
    }


def _meta(lines: Sequence[dict[str, Any]]) -> Row:
    fresh = [one for line in lines for one in line["fresh"]]
    fixed = [one for line in lines for one in line["fixed"]]
    ratios = [mine / other for mine, other in zip(fresh, fixed)]
    return {
        "meta_first_seconds": max(line["first_seconds"] for line in lines),
        "meta_fresh_seconds_median": round(statistics.median(fresh), 4),
        "meta_fixed_seconds_median": round(statistics.median(fixed), 4),
        "meta_ratio_median": round(statistics.median(ratios), 3),
        "meta_resident_bytes": max(line["resident"] for line in lines),
    }


def memory_rows(lines: Iterable[dict[str, Any]]) -> list[Row]:
    """The memory of each contender's process, candidate by candidate.

    Args:
        lines: As for `speed_rows`.
    """
    return [
        {
            "contender": line["contender"],
            "candidates": candidates,
            "resident_bytes": resident,
        }
        for line in lines
        if line["part"] == "memory"
        for candidates, resident in line["resident"]
    ]


def largest_difference(lines: Iterable[dict[str, Any]]) -> float | None:
    """The largest difference of a candidate's score between gtn_tf's two contenders.

    Args:
        lines: As for `speed_rows`.

    Returns:
        The difference, or None if only one of them was measured.
    """
    scores: dict[tuple[str, str], list[float]] = {}
    for line in lines:
        if line["part"] == "speed":
            scores[line["contender"], line["space"]] = line["scores"]
    pairs = [
        (scores[label, space], scores[LABELS["gtn_tf_network_each"], space])
        for label, space in scores
        if label == "gtn_tf" and (LABELS["gtn_tf_network_each"], space) in scores
    ]
    differences = [abs(a - b) for pair in pairs for a, b in zip(*pair)]
    return max(differences, default=None)


def times_faster(
    rows: Iterable[Row], space: str, rate: str = "candidates_per_minute"
) -> dict[str, float]:
    """gtn_tf's candidates per minute divided by those of others.

    Args:
        rows: From `speed_rows`.
        space: One of the spaces.
        rate: The column: one candidate at a time, or `"together_per_minute"`.

    Returns:
        By label: a Keras network each, and the faster one in PyTorch.
    """
    here = {
        row["contender"]: row[rate]
        for row in rows
        if row["space"] == space and rate in row
    }
    if "gtn_tf" not in here:
        return {}
    peers = [LABELS[name] for name in TORCH if LABELS[name] in here]
    others = [label for label in (LABELS["gtn_tf_network_each"],) if label in here]
    others += [max(peers, key=here.__getitem__)] if peers else []
    return {label: here["gtn_tf"] / here[label] for label in others}
