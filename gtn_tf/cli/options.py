"""Options that several commands have."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gtn_tf.config import Config, DataConfig, load_config, to_yaml, with_overrides
from gtn_tf.config.automatic import automatic_config
from gtn_tf.config.cost import DataFacts
from gtn_tf.config.rules import Checked
from gtn_tf.errors import did_you_mean
from gtn_tf.names import DATASETS, TABLES, TFDS, is_tfds_name

if TYPE_CHECKING:  # importing TensorFlow takes five seconds
    from gtn_tf.data import Splits
    from gtn_tf.teaching import TrainedTeacher


def job_command(
    schema: type[Checked],
    preset: str,
    example: str,
    job: str,
    automatic: bool = False,
) -> tuple[
    Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], None]
]:
    """Makes the command of a job that has a configuration and a run directory.

    Args:
        schema: Schema of the configuration.
        preset: The default configuration.
        example: Example of an override.
        job: Name of a function in `gtn_tf.runs`.
        automatic: Whether, without a configuration, it is chosen by the user's data.

    Returns:
        A function that declares the options, and one that runs the command.
    """
    return (
        functools.partial(
            _add_job, preset=preset, example=example, automatic=automatic
        ),
        functools.partial(
            _run_job, schema=schema, preset=preset, job=job, automatic=automatic
        ),
    )


def _add_job(
    parser: argparse.ArgumentParser, preset: str, example: str, automatic: bool
) -> None:
    own = "; with --data PATH, chosen by the data and the cores" if automatic else ""
    parser.add_argument(
        "--config",
        metavar="FILE",
        help=f"YAML file, or the name of a preset (default: {preset}{own})",
    )
    parser.add_argument(
        "--run-dir",
        type=user_path,
        metavar="D",
        help="default: runs/ and the name of FILE, or of the data's path",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with what is in D, if anything is"
    )
    add_data(parser, "that of the configuration")
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


def _run_job(
    options: argparse.Namespace,
    schema: type[Checked],
    preset: str,
    job: str,
    automatic: bool,
) -> None:
    options.run_dir = options.run_dir or Path("runs") / _run_name(options, preset)
    if automatic and options.config is None and _has_own_data(options):
        config: Any = _automatic(options)
    else:
        options.config = options.config or preset
        config = load_data_config(options, schema)
    if options.print_config:
        print(to_yaml(config), end="")
        return
    from gtn_tf import runs  # late: bad options are reported before TensorFlow starts

    getattr(runs, job)(
        config,
        options.run_dir,
        resume=options.resume,
        data_dir=options.data_dir,
        report=lambda line: print(line, flush=True),
    )


def _run_name(options: argparse.Namespace, preset: str) -> str:
    if is_tfds_name(options.data):
        return str(options.data[len(TFDS) :]).replace("/", "-").replace(":", "-")
    own = is_path(options.data) or (options.config is None and options.data in TABLES)
    name = options.data if own else options.config or preset
    return Path(name).stem


def _has_own_data(options: argparse.Namespace) -> bool:
    if options.data is not None:
        return is_path(options.data) or _is_unknown(options.data)
    keys = [[side.strip() for side in one.split("=")] for one in options.overrides]
    return any(
        key == "data.path" or (key == "data.name" and _is_unknown("=".join(value)))
        for key, *value in keys
    )


def _is_unknown(name: str) -> bool:
    """Whether no preset has settings for a data set."""
    return is_tfds_name(name) or name in TABLES


def _automatic(options: argparse.Namespace) -> Config:
    """The settings that fit the data; those of the run, if it goes on."""
    overrides = _overrides(options)
    file = options.run_dir / "config.yaml"
    if options.resume and file.is_file():
        # What was chosen once stays, whatever the cores are now.
        return _with_absolute_path(load_config(str(file), overrides))
    # Mistakes are told before the data is read. Any number of iterations will do.
    preview = automatic_config(DataFacts((32, 32, 3), 10, 10**6), cores=2)
    meta = dataclasses.replace(preview.meta, iterations=2520, iterations_per_epoch=1)
    preview = dataclasses.replace(preview, meta=meta)
    given = _with_absolute_path(with_overrides(preview, overrides))

    from gtn_tf import runs

    def report(line: str) -> None:
        out = sys.stderr if options.print_config else sys.stdout
        print(line, file=out, flush=True)

    found = runs.choose_config(given.data, options.data_dir, given.seed, report=report)
    return _with_absolute_path(with_overrides(found, overrides))


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


def load_data_config(options: argparse.Namespace, schema: type[Any]) -> Any:
    """Loads what `--config`, the overrides and `--data` say.

    Args:
        options: As parsed.
        schema: Schema of the configuration, which has a section `data`.

    Returns:
        The configuration. The path of its data is absolute, so that the run finds it
        again from anywhere.

    Raises:
        ConfigError: If anything in it cannot be used.
    """
    return _with_absolute_path(load_config(options.config, _overrides(options), schema))


def _with_absolute_path(config: Any) -> Any:
    """Makes the path of a configuration's data absolute, if there is one.

    Args:
        config: A configuration with a section `data`.
    """
    if not config.data.path:
        return config
    path = os.path.abspath(Path(config.data.path).expanduser())
    data = dataclasses.replace(config.data, path=path)
    return dataclasses.replace(config, data=data)


def _overrides(options: argparse.Namespace) -> list[str]:
    """Those of the command line, and what `--data` is short for."""
    if options.data is None:
        return [*options.overrides]
    chosen = options.data
    name, path = ("digits", chosen) if is_path(chosen) else (chosen, "")
    return [*options.overrides, f"data.name={name}", f"data.path={json.dumps(path)}"]


def add_data(parser: argparse.ArgumentParser, default: str = "the teacher's") -> None:
    """Adds `--data` and `--data-dir`.

    Args:
        parser: The parser.
        default: What is used without `--data`.
    """
    parser.add_argument(
        "--data",
        type=data_source,
        metavar="NAME|PATH",
        help=f"{', '.join(DATASETS)}; {TFDS}NAME, of tensorflow-datasets; "
        "or your own: a folder of class folders with pictures, an npz or CSV file, "
        f"IDX files (default: {default})",
    )
    add_data_dir(parser)


def data_source(text: str) -> str:
    """Parses the name of a data set, or a path.

    Args:
        text: As typed. A folder called as a data set is `./mnist`.

    Returns:
        The name, or the absolute path.

    Raises:
        argparse.ArgumentTypeError: If there is neither.
    """
    if text in DATASETS or is_tfds_name(text):
        return text
    path = user_path(text)
    if not os.path.lexists(path):
        raise argparse.ArgumentTypeError(
            f"expected one of {', '.join(DATASETS)}, {TFDS}NAME, or the path of a "
            f"folder or file that is there, received {text!r}"
            f"{did_you_mean(text, DATASETS)}"
        )
    return os.path.abspath(path)


def is_path(source: str | None) -> bool:
    """Whether `data_source` returned a path.

    Args:
        source: What it returned; `None` without `--data`.
    """
    return not (source is None or source in DATASETS or is_tfds_name(source))


def teacher_and_data(options: argparse.Namespace) -> tuple[TrainedTeacher, Splits]:
    """Loads what `--teacher`, `--data` and `--data-dir` name.

    Args:
        options: As parsed.

    Raises:
        TeacherError: If there is no such teacher, or if neither it, nor its run, nor
            the options say where the data is.
    """
    from gtn_tf import runs
    from gtn_tf.teaching import load_teacher

    teacher = load_teacher(options.teacher)
    chosen = _data_of(options, teacher)
    return teacher, runs.load_splits(chosen, options.data_dir)


def _data_of(options: argparse.Namespace, teacher: TrainedTeacher) -> DataConfig:
    from gtn_tf import runs
    from gtn_tf.teaching import TeacherError

    own = teacher.description.get("dataset")
    resize = teacher.description.get("resize") or "area"
    of_run = runs.data_of_run(options.teacher) or DataConfig(resize=resize)
    # As it is: what a training did to its images at random is not part of the data.
    of_run = dataclasses.replace(of_run, augment=(), cutout=0)
    # Lines of a table have no size.
    height, width, *_ = *teacher.image_shape, 0
    size = (height, width) if width else 0
    if is_path(options.data):
        return dataclasses.replace(of_run, path=options.data, image_size=size)
    if options.data is None and is_tfds_name(of_run.name) and not of_run.path:
        return of_run
    if options.data is None and of_run.path:
        if not os.path.lexists(of_run.path):
            raise TeacherError(
                f"{options.teacher}: its data was {of_run.path}, where nothing is now; "
                "add --data with its new path"
            )
        return of_run
    name = options.data or own
    # A teacher from a stranger must not choose what is downloaded.
    if name not in DATASETS and not is_tfds_name(options.data):
        known = "does not say which data" if own is None else f"says that {own} is what"
        raise TeacherError(
            f"{options.teacher}: {known} it was trained on; add --data with its path "
            "or name"
        )
    # Its own data may have been resized for it; other data has to fit.
    if name != own:
        return DataConfig(str(name))
    return DataConfig(str(name), image_size=size, resize=resize)


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Adds `--data-dir`.

    Args:
        parser: The parser.
    """
    parser.add_argument(
        "--data-dir",
        type=user_path,
        metavar="D",
        help="folder with the data files (default: GTN_TF_DATA, else a download); of "
        f"{TFDS}NAME, that of tensorflow-datasets",
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
    return _integer(text, least=1)


def count_or_0(text: str) -> int:
    """Parses an integer of at least 0.

    Args:
        text: As typed.

    Raises:
        argparse.ArgumentTypeError: If it is something else.
    """
    return _integer(text, least=0)


def _integer(text: str, least: int) -> int:
    if text.isdecimal() and int(text) >= least:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"expected an integer of at least {least}, received {text!r}"
    )
