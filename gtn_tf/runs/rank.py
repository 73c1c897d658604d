"""Ranking given genotypes by scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gtn_tf.atomic_file import as_csv, write
from gtn_tf.cells import AnyGenotype, Genotype201, GenotypeError, read_genotypes
from gtn_tf.run_files import RunError, read_cells, read_rows
from gtn_tf.runs.score_table import SECONDS, Row, add_scores
from gtn_tf.search import (
    CellSpace,
    Scorer,
    ScoringData,
    SupernetScorer,
    make_scorer,
)
from gtn_tf.search.ranking import summed_ranks

_SIZES = ("params", "flops")


def read_ranked(path: Path, space: str | None = None) -> tuple[str, list[AnyGenotype]]:
    """Reads genotypes to rank, all of one space.

    Args:
        path: A file, as `gtn_tf.cells.read_genotypes` reads it.
        space: `"nao"` or `"nas_bench_201"`; by default, that of the first.

    Returns:
        The space, and the genotypes.

    Raises:
        GenotypeError: If it is not such a file, or a genotype is of another space.
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


def columns_of(names: Sequence[str]) -> tuple[str, ...]:
    """The columns of a table of ranks.

    Args:
        names: Names of the scores that rank.

    Example:

    >>> columns_of(["gtn_score"])
    ('genotype', 'params', 'flops', 'gtn_score', 'rank', 'seconds')
    """
    scores = [name for name in names if name not in _SIZES]
    return ("genotype", *_SIZES, *scores, "rank", "seconds")


def rank(
    genotypes: Sequence[Any],
    space: CellSpace[Any],
    scorers: Sequence[Scorer],
    data: ScoringData,
    out: Path,
    seed: int = 0,
    report: Callable[[str], None] = print,
    workers: int = 1,
) -> list[Row]:
    """Scores genotypes and writes a table, best first.

    The table is written after each genotype; the same command goes on with it. What
    made its scores is saved beside it, so that no others are added. Rows of other
    genotypes stay.

    Args:
        genotypes: Of the space's kind; they need not be in the space.
        space: Builds the networks, all in one layout.
        scorers: What ranks; the ranks of several are added. The numbers of parameters
            and of operations are columns, too.
        data: Real data.
        out: The CSV file, with the columns that `columns_of` gives.
        seed: Seed of the weights.
        report: Called with each line of progress.
        workers: Genotypes that are scored at the same time, where no network has to be
            built for them.

    Returns:
        The rows. Those that failed have no score and are last.

    Raises:
        RunError: If there is something else at `out`, or if all genotypes fail.
        SearchError: If other settings or other data made the scores at `out`.
        ScoreError: If shared weights are of another network.
    """
    for scorer in scorers:
        if isinstance(scorer, SupernetScorer):  # fails once, not for every genotype
            scorer.expect_network(space.supernetwork)
    names = [scorer.name for scorer in scorers]
    every = {one.name: one for one in [*map(make_scorer, _SIZES), *scorers]}
    rows = _read(out, names)
    add_scores(
        rows,
        genotypes,
        space,
        [*every.values()],
        data,
        out,
        lambda: _write(rows, names, out),
        seed,
        report,
        workers,
    )
    if not any(_is_scored(row, names) for row in rows.values()):
        raise RunError(
            f"{out}: all {len(rows)} genotypes failed, for the reasons above"
        )
    return _write(rows, names, out)


def _is_scored(row: Row, names: Sequence[str]) -> bool:
    return not any(math.isnan(row.get(name, math.nan)) for name in names)


def _write(rows: dict[str, Row], names: Sequence[str], out: Path) -> list[Row]:
    known = [*rows.values()]
    sums = summed_ranks([[row.get(n, math.nan) for row in known] for n in names])
    failed = np.array([not _is_scored(row, names) for row in known])
    ranked = [known[i] for i in np.lexsort([sums, failed])]  # stable
    columns = columns_of(names)
    written = []
    for number, row in enumerate(ranked, start=1):
        cells = {**_shown(row), "rank": str(number)}
        written.append({column: cells.get(column, "") for column in columns})
    out.parent.mkdir(parents=True, exist_ok=True)
    write(out, as_csv([columns, *(row.values() for row in written)]))
    return written


def _shown(row: Row) -> Row:
    """The cells of a row: numbers as text, nothing for a score that failed."""
    took = sum(value for name, value in row.items() if name.startswith(SECONDS))
    cells = {"seconds": round(took, 2), **row}
    return {
        name: cell if name == "genotype" else "" if math.isnan(cell) else f"{cell:.10g}"
        for name, cell in cells.items()
    }


def _read(out: Path, names: Sequence[str]) -> dict[str, Row]:
    """The rows of a table of ranks, except failed ones, which are tried again."""
    if not out.exists():
        return {}
    columns = columns_of(names)
    try:
        if tuple((read_cells(out) or [[]])[0]) == columns:
            rows = [_numbers(row) for row in read_rows(out)]
            return {row["genotype"]: row for row in rows if _is_scored(row, names)}
    except (RunError, ValueError):
        pass  # it is something else
    raise RunError(
        f"{out}: expected a new file, or one with the columns {','.join(columns)}; "
        "choose another --out"
    )


def _numbers(row: dict[str, str]) -> Row:
    """Reads a row, whose scores must be finite numbers."""
    numbers = {
        k: float(v) for k, v in row.items() if v and k not in ("genotype", "rank")
    }
    if not np.isfinite([*numbers.values()]).all():
        raise ValueError("a number that is not finite")
    return {"genotype": row["genotype"], **numbers}
