"""Options that several commands have."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gtn_tf.config import DATASETS

if TYPE_CHECKING:  # importing TensorFlow takes five seconds
    from gtn_tf.data import Splits
    from gtn_tf.teaching import TrainedTeacher


def add_teacher(parser: argparse.ArgumentParser) -> None:
    """Adds `--teacher`.

    Args:
        parser: To be added to.
    """
    parser.add_argument(
        "--teacher",
        required=True,
        metavar="T",
        help="digits, mnist or fashion_mnist, which come with gtn_tf; or a SavedModel, "
        "a run directory or an npz file",
    )


def add_data(parser: argparse.ArgumentParser) -> None:
    """Adds `--data` and `--data-dir`.

    Args:
        parser: To be added to.
    """
    parser.add_argument(
        "--data", choices=DATASETS, help="real data (default: the teacher's)"
    )
    add_data_dir(parser)


def teacher_and_data(options: argparse.Namespace) -> tuple[TrainedTeacher, Splits]:
    """Loads what `--teacher`, `--data` and `--data-dir` name.

    Args:
        options: As parsed.

    Raises:
        TeacherError: If there is no such teacher, or if it does not say what data it
            is for and neither do the options.
    """
    from gtn_tf import data
    from gtn_tf.teaching import TeacherError, load_teacher

    teacher = load_teacher(options.teacher)
    name = options.data or teacher.description.get("dataset")
    if name is None:
        raise TeacherError(
            f"{options.teacher}: does not say which data it was trained on; add --data"
        )
    return teacher, data.load(name, data_dir=options.data_dir)


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Adds `--data-dir`.

    Args:
        parser: To be added to.
    """
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="D",
        help="folder with the data files (default: GTN_TF_DATA, else a download)",
    )


def count(text: str) -> int:
    """An argument that is an integer of at least 1.

    Args:
        text: As typed.

    Raises:
        argparse.ArgumentTypeError: If it is something else.
    """
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"expected an integer of at least 1, received {text!r}"
    )
