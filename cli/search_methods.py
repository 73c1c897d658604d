"""Which search method finds the better cells of NAS-Bench-201?

    python cli/search_methods.py --table FILE [--data-dir D] [--scale smoke|laptop]
        [--methods NAME ...] [--seeds N] [--scorer NAME] [--teacher PATH]
    python cli/search_methods.py --table-only --table FILE [--scale smoke|laptop]
        [--methods NAME ...] [--seeds N] [--evaluations N ...]

Each method searches with its own small trainings or scores on CIFAR-10; what is
reported is the published test accuracy after 200 epochs of the cell that it found, its
rank among all cells, and the regret. The table is a CSV file with the columns arch and
cifar10_test200 and a row for every cell. `--scorer` is what scores the candidates of
the methods that propose some.

With `--table-only` no network is trained: a candidate's score is its published
validation accuracy after 12 epochs, the column cifar10_valid12, and the searches differ
in their numbers of scores.

Interrupted, the same command goes on where it stopped; `--methods` searches by some of
them, or by another `--scorer`, and the results keep the rows of the others, whose facts
are `before` in facts.json.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from common import ROOT, say, write_facts
from earlier_results import expect_same_sizes, facts_before
from gtn_tf.cells import read_table as read_benchmark
from gtn_tf.names import SCORERS
from search_by_table import ANSWER, SCALES, SETTINGS, SIGNAL, by_table
from search_controls import Truth
from search_lab import SIZES
from search_report import write_report
from search_rows import labels, search_all
from searches import METHODS

_SCORER = "real_tse"
_METHODS = ("params", "supernet", "ghn")  # scorers that are methods of their own here


def main() -> None:
    """Parses the command line; runs or resumes the experiment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    scorers = [name for name in SCORERS if name not in _METHODS]
    add("--scale", choices=SIZES, default="laptop")
    add(
        "--table-only",
        action="store_true",
        help="search by the table, without any network",
    )
    add("--table", type=Path, required=True, help="the published accuracies")
    add("--methods", nargs="+", choices=[*{**METHODS, **SETTINGS}])
    add("--seeds", type=int, help="searches by each method, if not the scale's")
    add("--evaluations", type=int, nargs="+", help="the same; of --table-only")
    add("--scorer", choices=scorers, default=_SCORER, help=f"default: {_SCORER}")
    add("--teacher", help="as for gtn_tf.cli rank")
    add("--data-dir", type=Path, help="folder with the data files")
    add("--out", type=Path, help="default: results/search_methods")
    add("--run-dir", type=Path, default=ROOT / "runs" / "search_methods")
    options = parser.parse_args()
    _expect_possible(parser, options)
    if options.table_only:
        _search_by_table(options)
    else:
        _search(options)


def _expect_possible(
    parser: argparse.ArgumentParser, options: argparse.Namespace
) -> None:
    """Refuses options that do not belong together."""
    known = SETTINGS if options.table_only else METHODS
    unknown = sorted({*(options.methods or ())} - {*known})
    if unknown:
        parser.error(
            f"--methods: expected some of {', '.join(known)} with --table-only, "
            f"received {', '.join(unknown)}"
        )
    if options.evaluations and not options.table_only:
        parser.error("--evaluations: expected --table-only beside it, received none")
    if options.scorer.startswith("gtn") and not options.teacher:
        parser.error(f"--teacher: expected one for {options.scorer}, received none")


def _search_by_table(options: argparse.Namespace) -> None:
    """The searches without networks; writes `table_only.csv` and `facts.json`."""
    out = options.out or ROOT / "results" / "search_methods" / "table_only"
    methods = options.methods or [*SETTINGS]
    scale = SCALES[options.scale]
    if options.seeds:
        scale = scale._replace(seeds=options.seeds)
    if options.evaluations:
        scale = scale._replace(evaluations=tuple(options.evaluations))
    by_table(read_benchmark(options.table), scale, methods, out)
    before = facts_before(out, "settings", methods)
    words = ["--table-only", "--table FILE", "--scale", options.scale]
    words += ["--methods", *methods, *_given(options, "seeds", "evaluations")]
    write_facts(
        out,
        _command(words),
        scale,
        signal=SIGNAL,
        answer=ANSWER,
        settings={name: SETTINGS[name] for name in methods},
        first_seed=0,
        before=before,
    )


def _search(options: argparse.Namespace) -> None:
    """The searches with networks; writes `rows.csv`, row by row, and the rest."""
    out = options.out or ROOT / "results" / "search_methods"
    scale, methods = SIZES[options.scale], options.methods or [*METHODS]
    accuracies = {
        cell: row[ANSWER] for cell, row in read_benchmark(options.table).items()
    }
    truth = Truth(accuracies)
    expect_same_sizes(out, scale, besides=["seeds"])
    if options.seeds:
        scale = scale._replace(seeds=options.seeds)
    made = [*labels(methods, options.scorer).values()]
    before = facts_before(out, "rows", made)
    words = ["--table FILE", "--scale", options.scale, *_given(options, "methods")]
    words += _given(options, "seeds", "teacher")
    words += [] if options.scorer == _SCORER else ["--scorer", options.scorer]
    write_facts(
        out,
        command := _command(words),
        scale,
        answer=ANSWER,
        rows=made,
        settings=SETTINGS,
        first_seed=0,
        before=before,
    )
    given = options.scorer, options.teacher, options.data_dir
    folder = options.run_dir / options.scale
    rows = search_all(methods, scale, truth, out / "rows.csv", *given, folder)
    commands = [command, *(facts["command"] for facts in before)]
    write_report(rows, scale, truth, commands, out)
    say(f"Written: README.md, rows.csv, facts.json, searches.png in {out}")


def _command(words: Sequence[str]) -> str:
    """The command that repeats the searches."""
    return " ".join(["python cli/search_methods.py", *words])


def _given(options: argparse.Namespace, *names: str) -> list[str]:
    """Options as they were given."""
    words: list[str] = []
    for name in names:
        value = getattr(options, name)
        if value:
            several = value if isinstance(value, list) else [value]
            words += [f"--{name}", *map(str, several)]
    return words


if __name__ == "__main__":
    main()
