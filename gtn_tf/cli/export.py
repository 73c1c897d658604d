"""Writes a teacher as arrays for any framework, or for another runtime."""

from __future__ import annotations

import argparse

from gtn_tf.cli.options import add_teacher, user_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options.

    Args:
        parser: The parser.
    """
    add_teacher(parser)
    parser.add_argument(
        "--format",
        choices=("npz", "saved_model", "onnx", "tflite"),
        default="npz",
        help="npz: the lessons as arrays, with the description; saved_model: a folder "
        "of versions for TensorFlow Serving; onnx and tflite: the curriculum, step in, "
        "batch and rates out (default: npz)",
    )
    parser.add_argument(
        "--out",
        type=user_path,
        required=True,
        metavar="F",
        help="the file, or the folder that version 1 of a SavedModel goes into",
    )


def run(options: argparse.Namespace) -> None:
    """Runs the command.

    Args:
        options: As parsed.
    """
    from gtn_tf.teaching import load_teacher
    from gtn_tf.teaching.converted import save_onnx, save_tflite

    teacher, written = load_teacher(options.teacher), options.out
    if options.format == "npz":
        teacher.save_npz(written)
    elif options.format == "onnx":
        save_onnx(teacher, written)
    elif options.format == "tflite":
        save_tflite(teacher, written)
    else:
        written = written / "1"
        teacher.copy_saved_model(written)
    steps, batch = teacher.classes.shape
    print(f"Written: {written} ({steps} steps of {batch})")
