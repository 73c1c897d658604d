"""Draws a teacher's images: grids by step and class, and an animation."""

from __future__ import annotations

import argparse
from pathlib import Path

from gtn_tf.cli.options import add_teacher, teacher_name, user_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options.

    Args:
        parser: The parser.
    """
    add_teacher(parser)
    parser.add_argument(
        "--out",
        type=user_path,
        metavar="D",
        help="folder for the pictures (default: runs/sample/ and the teacher's name)",
    )


def run(options: argparse.Namespace) -> None:
    """Runs the command.

    Args:
        options: As parsed.
    """
    from gtn_tf import runs
    from gtn_tf.teaching import load_teacher

    teacher = load_teacher(options.teacher)
    name = teacher_name(options)
    out = options.out or Path("runs") / "sample" / name
    runs.sample(teacher, out, report=lambda line: print(line, flush=True))
