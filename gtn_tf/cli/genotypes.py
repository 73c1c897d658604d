"""Lists the published architectures with their sizes."""

from __future__ import annotations

import argparse
import csv
import sys

from gtn_tf.cli.options import user_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options.

    Args:
        parser: To be added to.
    """
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
    from gtn_tf import runs
    from gtn_tf.cells import PUBLISHED, draw_genotype

    if options.plot:
        options.plot.mkdir(parents=True, exist_ok=True)
        for name, one in PUBLISHED.items():
            draw_genotype(one.genotype, options.plot / f"{name}.png", name)
    if options.format == "csv":
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(runs.Sizes._fields)
        for row in runs.published_sizes():
            table.writerow(row)
            sys.stdout.flush()
        return
    print(_line("name", "layout", "params", "flops", "published"))
    for row in runs.published_sizes():
        counts = (row.params, row.flops, row.published_params)
        print(_line(row.name, row.layout, *(_millions(n) for n in counts)), flush=True)
    for name, one in PUBLISHED.items():
        if one.note:
            print(f"{name}: {one.note}")


def _line(*cells: str) -> str:
    return "{:<12} {:<17} {:>9} {:>10} {:>10}".format(*cells)


def _millions(count: int) -> str:
    return f"{count / 1e6:.2f}M"
