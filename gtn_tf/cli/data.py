"""Tells what is understood of a data set, before anything is trained on it."""

from __future__ import annotations

import argparse

from gtn_tf.cli.options import (
    add_data_dir,
    data_source,
    load_data_config,
    user_path,
)
from gtn_tf.config import Config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options.

    Args:
        parser: The parser.
    """
    parser.add_argument(
        "data",
        type=data_source,
        metavar="PATH",
        help="a folder of class folders with pictures, an npz or CSV file, a folder of "
        "CSV or IDX files; or the name of a data set",
    )
    parser.add_argument(
        "--plot",
        type=user_path,
        metavar="FILE.png",
        help="draw examples of each class; of a table, its features",
    )
    parser.add_argument(
        "--config",
        default="digits",
        metavar="FILE",
        help="YAML file or preset, for the other settings of data (default: digits)",
    )
    add_data_dir(parser)
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="data.key=value",
        help="a setting, such as data.image_size=32, as for train",
    )


def run(options: argparse.Namespace) -> None:
    """Runs the command.

    Args:
        options: As parsed.
    """
    config = load_data_config(options, Config)
    from gtn_tf import runs

    runs.look_at_data(
        config.data,
        options.data_dir,
        config.seed % 2**32,
        options.plot,
        report=lambda line: print(line, flush=True),
    )
