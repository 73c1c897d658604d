"""Lists published architectures, or those of a file, with their sizes."""

from __future__ import annotations

import argparse
import csv
import sys

from gtn_tf.cli.options import user_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options.

    Args:
        parser: The parser.
    """
    parser.add_argument(
        "--file",
        type=user_path,
        metavar="FILE",
        help="genotypes to list instead, in the forms that rank reads",
    )
    parser.add_argument(
        "--format", choices=("table", "csv"), default="table", help="default: table"
    )
    parser.add_argument(
        "--plot", type=user_path, metavar="DIR", help="draw the cells in DIR, NAME.png"
    )


def run(options: argparse.Namespace) -> None:
    """Runs the command.

    Args:
        options: As parsed.
    """
    from gtn_tf.cells import PUBLISHED, read_genotypes
    from gtn_tf.reports.sizes import Sizes, names_of, published_sizes, sizes_of

    notes: dict[str, str] = {}
    if options.file:
        written = read_genotypes(options.file)
        genotypes = dict(zip(names_of(written), (one.genotype for one in written)))
        sizes = sizes_of(written)
    else:
        genotypes = {name: one.genotype for name, one in PUBLISHED.items()}
        notes = {name: one.note for name, one in PUBLISHED.items() if one.note}
        sizes = published_sizes()
    if options.plot:
        from gtn_tf.cells.drawing import draw_genotype

        options.plot.mkdir(parents=True, exist_ok=True)
        for name, genotype in genotypes.items():
            draw_genotype(genotype, options.plot / f"{name}.png", name)
    if options.format == "csv":
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(Sizes._fields)
        table.writerows(sizes)
        return
    print(_line("name", "layout", "params", "flops", "published"))
    for row in sizes:
        counts = (row.params, row.flops, row.published_params)
        print(_line(row.name, row.layout, *(_millions(n) for n in counts)))
    for name, note in notes.items():
        print(f"{name}: {note}")


def _line(*cells: str) -> str:
    return "{:<12} {:<22} {:>9} {:>10} {:>10}".format(*cells).rstrip()


def _millions(count: int | None) -> str:
    return "" if count is None else f"{count / 1e6:.2f}M"
