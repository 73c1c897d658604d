"""Tables and pictures of rank correlation against CPU seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common import read_table, say, write_table
from gtn_tf.search import correlations
from gtn_tf.search.ranking import interval, resampled, spearman
from ranking_cost_entries import Contender, Entry, read_entries, sums
from ranking_cost_factors import factors_of
from ranking_cost_page import write_page
from ranking_cost_pictures import draw

_HALF = "best half"  # by the truth: the same cells for all scores


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
    best = np.argsort(-truth, kind="stable")[: math.ceil(len(truth) / 2)]
    parts = {"all": np.arange(len(truth)), _HALF: np.sort(best)}
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
