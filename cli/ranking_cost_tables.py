"""Tables and pictures of rank correlation against CPU seconds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common import read_table, say, write_table
from curve_scores import KINDS
from gtn_tf.search import correlations, seconds_to_reach
from gtn_tf.search.ranking import BEST_HALF, best_half, interval, resampled, spearman
from ranking_cost_entries import Contender, Entry, read_entries, sums
from ranking_cost_page import write_page
from ranking_cost_pictures import draw


def write_results(
    out: Path,
    contenders: Sequence[Contender],
    cells: Sequence[str],
    truth: Sequence[float],
    block: int,
) -> None:
    """Writes correlations.csv, factors.csv and README.md, and draws the pictures.

    Args:
        out: The folder.
        contenders: In the order of the tables. Those whose tables lack cells are left
            out, and named.
        cells: Their names.
        truth: The accuracy of each.
        block: Steps of a block of the loss curves.
    """
    entries = []
    for one in contenders:
        known = {row["genotype"]: row for row in read_table(one.file)}
        missing = sum(cell not in known for cell in cells)
        if missing:
            say(f"{one.name}: {missing} of {len(cells)} cells are missing; left out")
        else:
            entries += read_entries(one, [known[cell] for cell in cells], block)
    entries += sums(entries)
    rows, samples = _rows(entries, np.asarray(truth, float))
    factors = [*factors_of(entries, rows, samples, len(cells))]
    write_table(rows, out / "correlations.csv")
    write_table(factors, out / "factors.csv")
    draw(rows, out)
    write_page(rows, factors, len(cells), out)
    say(f"Written: correlations.csv, factors.csv, README.md and pictures in {out}")


def _rows(
    entries: Sequence[Entry], truth: np.ndarray
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """A row for each entry; and, of all cells and the best half, the resamples."""
    parts = {"all": np.arange(len(truth)), BEST_HALF: best_half(truth)}
    values = [one.score.values for one in entries]
    samples = {
        part: resampled([v[at] for v in values], truth[at])
        for part, at in parts.items()
    }
    found = {
        part: [_spearman(v[at], truth[at]) for v in values]
        for part, at in parts.items()
    }
    rows = []
    for number, one in enumerate(entries):
        row = _about(one)
        for part in parts:
            row[part] = found[part][number]
            row[f"{part} low"], row[f"{part} high"] = interval(samples[part][number])
        by_score = correlations(values[number].tolist(), truth.tolist())["top half"]
        for name in ("spearman", "low", "high"):
            row[f"top half by the score {name}"] = by_score[name]
        for name, other in _compared(entries, number).items():
            for part in parts:
                row[f"{part} minus {name}"] = found[part][number] - found[part][other]
                low, high = interval(samples[part][number] - samples[part][other])
                row[f"{part} minus {name} low"] = low
                row[f"{part} minus {name} high"] = high
        rows.append(row)
    return rows, samples


def _spearman(score: np.ndarray, truth: np.ndarray) -> float:
    last = np.where(np.isnan(score), -np.inf, score)
    return float(spearman(last[np.newaxis], truth[np.newaxis])[0])


def _about(one: Entry) -> dict[str, Any]:
    accuracy = np.nanmean(one.score.values) if one.kind == "accuracy" else None
    return {
        "line": one.line,
        "learners": one.learners,
        "kind": one.kind,
        "steps": one.steps,
        "added": one.added,
        "cpu_seconds": one.score.seconds,
        "made_in": "" if one.contender.made_in is None else one.contender.made_in,
        "is_teacher": int(one.contender.is_teacher),
        "mean accuracy": "" if accuracy is None or one.added else float(accuracy),
    }


def _compared(entries: Sequence[Entry], number: int) -> dict[str, int]:
    """The entries that one is compared with: params, and as many steps of real data."""
    one, found = entries[number], {}
    for other, entry in enumerate(entries):
        if entry.contender.name == "params":
            found["params"] = other
        alike = (one.kind, one.steps, one.added) == (
            entry.kind,
            entry.steps,
            entry.added,
        )
        if entry.contender.is_real and alike and entry.learners == 1:
            found.setdefault("real data", other)
    return {name: other for name, other in found.items() if other != number}


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
