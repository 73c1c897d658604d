"""Fills the measured columns of `python -m gtn_tf.cli table`, row by row.

    python cli/architecture_table.py --teacher runs/cifar10_cells [--data-dir D]
        [--scale smoke|laptop] [--rows NAME ...]

Searches find a cell each: random searches in a small NAO space, by real data and by a
teacher, and every method of `search_methods.py`, in that space or in one that it knows.
The found cells and the published ones are trained in the same way, at one small scale,
with several seeds. Interrupted, the same command goes on where it stopped; results in
`searches.csv` and `rows.csv` are not computed again. `--rows` computes some of the
rows; the others stay, and their facts are `before` in facts.json.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from architecture_rows import (
    ROWS,
    SCALES,
    SEARCHED_ROWS,
    at_full_size,
    folders,
    trainings,
)
from architecture_search import OWN, SCORER, answers, expect_answer, sizes
from architecture_training import measured, train
from common import ROOT, part_that_begins, read_table, say, write_table
from earlier_results import expect_same_sizes, facts_before
from gtn_tf.countdown import Countdown
from gtn_tf.non_finite import NonFiniteError
from gtn_tf.reports.table import COLUMNS
from rankings import write_ranking_facts

_OF_SMOKE = ("rs_gtn", "search_random", "enas_cutout")
_SINCE = ("images", "top")  # sizes that facts of the first rows do not have


def main() -> None:
    """Parses the command line; runs or resumes the experiment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--scale", choices=SCALES, default="laptop")
    add("--rows", nargs="+", choices=ROWS, help="those to compute, in this order")
    add("--data", default="cifar10", help="what the teacher teaches")
    add("--data-dir", type=Path, help="folder with the data files")
    add("--teacher", nargs=1, required=True, help="as for gtn_tf.cli rank")
    add("--out", type=Path, default=ROOT / "results" / "architecture_table")
    add("--run-dir", type=Path, default=ROOT / "runs" / "architecture_table")
    options = parser.parse_args()
    expect_same_sizes(options.out, SCALES[options.scale], besides=_SINCE)
    every = [*ROWS] if options.scale == "laptop" else [*_OF_SMOKE]
    rows = read_table(options.out / "rows.csv")
    done = {row["key"] for row in rows}
    wanted = dict.fromkeys(options.rows or every)
    missing = [key for key in wanted if key not in done]
    countdown = Countdown(len(missing))
    made: list[str] = []
    for key in missing:
        say(f"{key}: row {part_that_begins(countdown)}")
        try:
            row = _row(key, options)
        except NonFiniteError as error:
            say(f"failed, no row: {error}")
        else:
            rows.append({column: row.get(column, "") for column in COLUMNS})
            write_table(rows, options.out / "rows.csv")
            made.append(key)
            _write_facts(made, options)
        countdown.next()
    say(f"Written: rows.csv in {options.out}; python -m gtn_tf.cli table shows it")


def _row(key: str, options: argparse.Namespace) -> dict[str, Any]:
    """Searches, if the row is of a search, and trains what was found."""
    searched = key in SEARCHED_ROWS
    answer = expect_answer(ROWS[key].cell, options) if searched else None
    every = trainings(key, known := answers(options))
    of_training = folders(known)
    summaries = [s for one in every for s in train(one, of_training[one], options)]
    row = {
        "key": key,
        **at_full_size(key, every),
        **measured(every[0], summaries, options),
    }
    if answer:
        row["search_seconds"] = answer.seconds
        row["scale"] += f"; mean of {len(every)} cells" if len(every) > 1 else ""
        row["scale"] += f"; found in {answer.space}" if answer.space != OWN else ""
    return row


def _write_facts(made: list[str], options: argparse.Namespace) -> None:
    """Facts of the rows that this command made; those of others stay in `before`."""
    write_ranking_facts(
        options,
        "architecture_table",
        SCALES[options.scale],
        ["--rows", *options.rows] if options.rows else [],
        search=sizes(options)._asdict(),
        scorer=SCORER,
        rows=made,
        before=facts_before(options.out, "rows", made),
    )


if __name__ == "__main__":
    main()
