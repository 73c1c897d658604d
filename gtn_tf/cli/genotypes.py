"""Lists published architectures, or those of a file, with their sizes."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable

from gtn_tf.cli.options import user_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options.

    Args:
        parser: To be added to.
    """
    parser.add_argument(
        "--file",
        type=user_path,
        metavar="FILE",
        help="genotypes to be listed instead, in the forms that rank reads",
    )
    parser.add_argument(
        "--format", choices=("table", "csv"), default="table", help="default: table"
    )
    parser.add_argument(
        "--plot", type=user_path, metavar="DIR", help="draw the cells in DIR, NAME.png"
    )
    parser.add_argument(
        "--count",
        action="store_true",
        help="build the published networks and count them, which takes a minute, "
        "instead of reading the stored counts; with --format csv, this prints them "
        "anew",
    )


def run(options: argparse.Namespace) -> None:
    """Runs the command.

    Args:
        options: As parsed.
    """
    from gtn_tf import reports
    from gtn_tf.cells import PUBLISHED, draw_genotype, read_genotypes

    notes: dict[str, str] = {}
    sizes: Iterable[reports.Sizes]
    if options.file:
        written = read_genotypes(options.file)
        genotypes = dict(
            zip(reports.names_of(written), (one.genotype for one in written))
        )
        sizes = reports.count_written(written)
    else:
        genotypes = {name: one.genotype for name, one in PUBLISHED.items()}
        notes = {name: one.note for name, one in PUBLISHED.items() if one.note}
        sizes = (
            reports.count_published() if options.count else reports.published_sizes()
        )
    if options.plot:
        options.plot.mkdir(parents=True, exist_ok=True)
        for name, genotype in genotypes.items():
            draw_genotype(genotype, options.plot / f"{name}.png", name)
    if options.format == "csv":
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(reports.Sizes._fields)
        for row in sizes:
            table.writerow(row)
            sys.stdout.flush()
        return
    print(_line("name", "layout", "params", "flops", "published"))
    for row in sizes:
        counts = (row.params, row.flops, row.published_params)
        print(_line(row.name, row.layout, *(_millions(n) for n in counts)), flush=True)
    for name, note in notes.items():
        print(f"{name}: {note}")


def _line(*cells: str) -> str:
    return "{:<12} {:<22} {:>9} {:>10} {:>10}".format(*cells).rstrip()


def _millions(count: int | None) -> str:
    return "" if count is None else f"{count / 1e6:.2f}M"
