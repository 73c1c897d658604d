"""How much longer real data takes to rank as well as a teacher."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from curve_scores import KINDS
from gtn_tf.search import seconds_to_reach
from ranking_cost_entries import Entry


def factors_of(
    entries: Sequence[Entry],
    rows: Sequence[Mapping[str, Any]],
    samples: Mapping[str, np.ndarray],
    cells: int,
) -> Iterator[dict[str, Any]]:
    """How much longer real data takes to rank as well as a teacher after all steps.

    Args:
        entries: Of all contenders, with their sums.
        rows: Of correlations.csv, one for each entry.
        samples: For all cells and for a part, the correlations of each entry,
            `[entries, resamples]`.
        cells: Number of cells that share a teacher's own training.

    Yields:
        Rows of factors.csv.
    """
    for number, one in enumerate(entries):
        last = one.steps == one.contender.steps and one.kind in KINDS
        if not (one.contender.is_teacher and last):
            continue
        for line, real in _real_lines(entries, one).items():
            seconds = [entries[n].score.seconds for n in real]
            for part, of_part in samples.items():
                each = one.score.seconds
                target, *reached = (rows[n][part] for n in (number, *real))
                bound, needed = _needed(target, seconds, reached)
                times = np.sort(
                    [
                        seconds_to_reach(sample[0], [*zip(seconds, sample[1:])])
                        or math.inf
                        for sample in of_part[[number, *real]].T
                    ]
                )
                low, high = times[[int(0.025 * len(times)), -int(0.025 * len(times))]]
                once = (one.contender.made_in or 0.0) / cells
                yield {
                    "teacher": one.line,
                    "kind": one.kind,
                    "added": one.added,
                    "real data": line,
                    "cells": part,
                    "spearman": target,
                    "cpu_seconds": each,
                    "bound": bound,
                    "real_data_seconds": needed,
                    "longest": max(seconds),
                    "times": needed / each,
                    "low": low / each,
                    "high": high / each,
                    "times_with_teacher": needed / (each + once),
                }


def _real_lines(entries: Sequence[Entry], one: Entry) -> dict[str, list[int]]:
    """The points of each line of real data with the same kind of score."""
    lines: dict[str, list[int]] = {}
    for number, entry in enumerate(entries):
        same = (entry.kind, entry.added) == (one.kind, one.added)
        if entry.contender.is_real and same:
            lines.setdefault(entry.line, []).append(number)
    return lines


def _needed(
    target: float, seconds: Sequence[float], reached: Sequence[float]
) -> tuple[str, float]:
    """The seconds that real data needs, and `>` or `<` if they are only a bound."""
    found = seconds_to_reach(target, [*zip(seconds, reached)])
    if found is None:
        return ">", max(seconds)
    return ("<", found) if found == min(seconds) else ("", found)
