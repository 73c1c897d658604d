"""Draws the pictures of results again, from the tables beside them."""

from __future__ import annotations

import argparse
from pathlib import Path

from gtn_tf.cli.options import user_path

_RESULTS = Path("results")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options.

    Args:
        parser: The parser.
    """
    parser.add_argument(
        "folders",
        nargs="*",
        type=user_path,
        metavar="FOLDER",
        help=f"what a recipe of cli/ left (default: all in {_RESULTS}/ that can be)",
    )


def run(options: argparse.Namespace) -> None:
    """Runs the command.

    Args:
        options: As parsed.
    """
    from gtn_tf.reports import figures
    from gtn_tf.runs import RunError

    folders = options.folders or figures.folders_with_figures(_RESULTS)
    if not folders:
        raise RunError(
            f"{_RESULTS}: expected folders with results to draw, found none; name one"
        )
    for folder in folders:
        figures.draw_figures(folder)
