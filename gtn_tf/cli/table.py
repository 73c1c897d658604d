"""Prints and draws the published results beside what this code measured."""

from __future__ import annotations

import argparse
from pathlib import Path

from gtn_tf.cli.options import user_path

_MEASURED = Path("results/architecture_table/rows.csv")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options.

    Args:
        parser: The parser.
    """
    parser.add_argument(
        "--measured",
        type=user_path,
        metavar="FILE.csv",
        help=f"what cli/architecture_table.py wrote (default: {_MEASURED}, if there)",
    )
    parser.add_argument(
        "--out",
        type=user_path,
        metavar="D",
        help="write table.md, table.csv and table.png",
    )


def run(options: argparse.Namespace) -> None:
    """Runs the command.

    Args:
        options: As parsed.
    """
    from gtn_tf.atomic_file import write
    from gtn_tf.reports import table
    from gtn_tf.reports.literature import TABLES

    path = options.measured or (_MEASURED if _MEASURED.exists() else None)
    measured = table.read_measured(path) if path else {}
    text = table.markdown(measured)
    print(text, end="")
    if options.out:
        from gtn_tf import plots

        options.out.mkdir(parents=True, exist_ok=True)
        write(options.out / "table.md", text)
        write(options.out / "table.csv", table.comma_separated(measured))
        tables = {t: table.lines(rows, measured) for t, rows in TABLES.items()}
        plots.draw_tables(tables, table.HEADER, options.out / "table.png")
