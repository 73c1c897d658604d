"""Ranking given genotypes with a teacher."""

from __future__ import annotations

import csv
import io
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gtn_tf.atomic_file import write
from gtn_tf.cells import AnyGenotype, Genotype201, GenotypeError, read_genotypes
from gtn_tf.errors import first_line
from gtn_tf.runs.directory import RunError
from gtn_tf.runs.reading import read_cells, read_json, read_rows
from gtn_tf.search import CellSpace, Scorer, ScoringData, score
from gtn_tf.search.identity import (
    Identity,
    identity,
    refuse_another,
    settings_of,
)

COLUMNS = ("genotype", "params", "flops", "gtn_score", "rank", "seconds")

Row = dict[str, Any]


def read_ranked(path: Path, space: str | None = None) -> tuple[str, list[AnyGenotype]]:
    """Reads genotypes that are to be ranked: all of one space.

    Args:
        path: A file, as `gtn_tf.cells.read_genotypes` reads it.
        space: `"nao"` or `"nas_bench_201"`; by default, that of the first.

    Returns:
        The space, and the genotypes.

    Raises:
        GenotypeError: If it is no such file, or a genotype is of another space.
    """
    written = read_genotypes(path)
    spaces = [_space(one.genotype) for one in written]
    space = space or spaces[0]
    for one, own in zip(written, spaces):
        if own != space:
            raise GenotypeError(
                f"{path}, line {one.line}: expected a genotype of {space}, received "
                f"one of {own}"
            )
    return space, [one.genotype for one in written]


def _space(genotype: AnyGenotype) -> str:
    return "nas_bench_201" if isinstance(genotype, Genotype201) else "nao"


def rank(
    genotypes: Sequence[Any],
    space: CellSpace[Any],
    scorers: Sequence[Scorer],
    data: ScoringData,
    out: Path,
    seed: int = 0,
    report: Callable[[str], None] = print,
) -> list[Row]:
    """Scores genotypes and writes a table, best first.

    The table is written after each genotype; the same command goes on with it. What
    made its scores is kept beside it, so that no others are added. Rows of other
    genotypes stay.

    Args:
        genotypes: Of the kind that the space has; they need not be in it.
        space: Builds the networks, all in one layout.
        scorers: Those of the columns `params`, `flops` and `gtn_score`.
        data: Real data.
        out: The CSV file, with `COLUMNS`.
        seed: Of the weights.
        report: Called with each line of progress.

    Returns:
        The rows. One that failed has no score and is last.

    Raises:
        RunError: If there is something else at `out`, or if all genotypes fail.
        SearchError: If other settings or other data made the scores at `out`.
    """
    rows = {name: row for name, row in _read(out).items() if row["gtn_score"]}
    _claim(out, identity(scorers, [], settings_of(space), data, seed), bool(rows))
    by_name = {space.text(g): g for g in genotypes}
    missing = [name for name in by_name if name not in rows]
    started = time.monotonic()
    for done, name in enumerate(missing, start=1):
        rows[name] = _score(by_name[name], name, space, scorers, data, seed, report)
        _write(rows, out)
        left = (time.monotonic() - started) / done * (len(missing) - done)
        found = rows[name]["gtn_score"] or "failed"
        position = f"{len(by_name) - len(missing) + done}/{len(by_name)}"
        report(f"{position}  gtn_score {found}  {left:.0f} s left")
    if not any(row["gtn_score"] for row in rows.values()):
        raise RunError(
            f"{out}: all {len(rows)} genotypes failed, for the reasons above"
        )
    return _write(rows, out)


def _claim(out: Path, now: Identity, has_scores: bool) -> None:
    """Keeps what makes the scores beside the table, and refuses others."""
    beside = out.with_name(f"{out.stem}.made_by.json")
    if has_scores and beside.exists():
        before = read_json(beside)
        refuse_another(before, now, str(out), "choose another --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    write(beside, json.dumps(now, indent=2) + "\n")


def _score(
    genotype: Any,
    name: str,
    space: CellSpace[Any],
    scorers: Sequence[Scorer],
    data: ScoringData,
    seed: int,
    report: Callable[[str], None],
) -> Row:
    started = time.monotonic()
    row: Row = dict.fromkeys(COLUMNS, "")
    row["genotype"] = name
    try:
        scores = score(
            lambda: space.network(genotype, space.scored_as), scorers, data, seed
        )
        row.update({n: f"{v:.10g}" for n, v in scores.items() if n in COLUMNS})
    except (ValueError, ArithmeticError, RuntimeError) as error:
        report(f"{name}: {first_line(error)}")
    row["seconds"] = f"{time.monotonic() - started:.2f}"
    return row


def _write(rows: dict[str, Row], out: Path) -> list[Row]:
    def key(row: Row) -> float:
        return -float(row["gtn_score"]) if row["gtn_score"] else math.inf

    ranked = sorted(rows.values(), key=key)
    for number, row in enumerate(ranked, start=1):
        row["rank"] = str(number)
    lines = io.StringIO()
    table = csv.DictWriter(lines, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(ranked)
    out.parent.mkdir(parents=True, exist_ok=True)
    write(out, lines.getvalue())
    return ranked


def _read(out: Path) -> dict[str, Row]:
    if not out.exists():
        return {}
    try:
        if tuple((read_cells(out) or [[]])[0]) == COLUMNS:
            rows = read_rows(out)
            # What is no number would be one that is not found again.
            numbers = [float(row["gtn_score"]) for row in rows if row["gtn_score"]]
            if np.isfinite(numbers).all():
                return {row["genotype"]: row for row in rows}
    except (RunError, ValueError):
        pass  # it is something else, then
    raise RunError(
        f"{out}: expected a new file, or one with the columns {','.join(COLUMNS)}; "
        "choose another --out"
    )
