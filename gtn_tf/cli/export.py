"""Writes a teacher as arrays for any framework, or as a SavedModel to serve."""

from __future__ import annotations

import argparse

from gtn_tf.cli.options import add_teacher, user_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options.

    Args:
        parser: To be added to.
    """
    add_teacher(parser)
    parser.add_argument(
        "--format",
        choices=("npz", "saved_model"),
        default="npz",
        help="npz: the lessons as arrays, with the description; saved_model: a folder "
        "of versions for TensorFlow Serving (default: npz)",
    )
    parser.add_argument(
        "--out",
        type=user_path,
        required=True,
        metavar="F",
        help="the npz file, or the folder that version 1 goes into",
    )


def run(options: argparse.Namespace) -> None:
    """Runs the command.

    Args:
        options: As parsed.
    """
    from gtn_tf.teaching import load_teacher

    teacher = load_teacher(options.teacher)
    if options.format == "npz":
        teacher.save_npz(options.out)
        written = options.out
    else:
        written = options.out / "1"
        teacher.copy_saved_model(written)
    steps, batch = teacher.labels.shape
    print(f"Written: {written} ({steps} steps of {batch})")
