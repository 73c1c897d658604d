"""Options that several commands have."""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gtn_tf.config import load_config, to_yaml
from gtn_tf.config.rules import Checked
from gtn_tf.names import DATASETS

if TYPE_CHECKING:  # importing TensorFlow takes five seconds
    from gtn_tf.data import Splits
    from gtn_tf.teaching import TrainedTeacher


def job_command(
    schema: type[Checked], preset: str, example: str, job: str
) -> tuple[
    Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], None]
]:
    """Makes the command of a job that has a configuration and a run directory.

    Args:
        schema: Schema of the configuration.
        preset: The default configuration.
        example: Example of an override.
        job: Name of a function in `gtn_tf.runs`.

    Returns:
        A function that declares the options, and one that runs the command.
    """
    return (
        functools.partial(_add_job, preset=preset, example=example),
        functools.partial(_run_job, schema=schema, job=job),
    )


def _add_job(parser: argparse.ArgumentParser, preset: str, example: str) -> None:
    parser.add_argument(
        "--config",
        default=preset,
        metavar="FILE",
        help=f"YAML file, or the name of a preset (default: {preset})",
    )
    parser.add_argument(
        "--run-dir", type=user_path, metavar="D", help="default: runs/ and FILE's name"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with what is in D, if anything is"
    )
    add_data_dir(parser)
    parser.add_argument(
        "--print-config",
        action="store_true",
        help="show the resulting configuration and stop",
    )
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="section.key=value",
        help=f"change a setting, such as {example}",
    )


def _run_job(options: argparse.Namespace, schema: type[Checked], job: str) -> None:
    config = load_config(options.config, options.overrides, schema)
    if options.print_config:
        print(to_yaml(config), end="")
        return
    from gtn_tf import runs  # late: bad options are reported before TensorFlow starts

    getattr(runs, job)(
        config,
        options.run_dir or Path("runs") / Path(options.config).stem,
        resume=options.resume,
        data_dir=options.data_dir,
        report=lambda line: print(line, flush=True),
    )


def add_teacher(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """Adds `--teacher`.

    Args:
        parser: The parser.
        required: Whether there has to be one.
    """
    parser.add_argument(
        "--teacher",
        required=required,
        metavar="T",
        help="digits, mnist or fashion_mnist, which come with gtn_tf; or a SavedModel, "
        "a run directory or an npz file",
    )


def teacher_name(options: argparse.Namespace) -> str:
    """A name for the teacher of `--teacher`, such as for a folder.

    Args:
        options: As parsed.
    """
    return Path(os.path.abspath(options.teacher)).stem  # of "." and "..", too


def add_data(parser: argparse.ArgumentParser) -> None:
    """Adds `--data` and `--data-dir`.

    Args:
        parser: The parser.
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
        TeacherError: If there is no such teacher, or if neither it nor the options name
            the data.
    """
    from gtn_tf import data
    from gtn_tf.teaching import TeacherError, load_teacher

    teacher = load_teacher(options.teacher)
    own = teacher.description.get("dataset")
    name = options.data or own
    if name is None:
        raise TeacherError(
            f"{options.teacher}: does not say which data it was trained on; add --data"
        )
    # Its own data may have been resized for it; other data has to fit.
    size = teacher.image_shape[0] if name == own else None
    return teacher, data.load(name, data_dir=options.data_dir, image_size=size)


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Adds `--data-dir`.

    Args:
        parser: The parser.
    """
    parser.add_argument(
        "--data-dir",
        type=user_path,
        metavar="D",
        help="folder with the data files (default: GTN_TF_DATA, else a download)",
    )


def user_path(text: str) -> Path:
    """Parses a path, in which `~` and `~name` are home folders.

    A shell expands them at the start of a word, and not in `--out=~/found`.

    Args:
        text: As typed.

    Raises:
        argparse.ArgumentTypeError: If there is no such home folder, or no path.
    """
    if not text:
        raise argparse.ArgumentTypeError("expected a path, received ''")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from None


def count(text: str) -> int:
    """Parses an integer of at least 1.

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
