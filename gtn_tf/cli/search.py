"""Searches architectures: ranks candidates by a teacher, then trains the best."""

from __future__ import annotations

import argparse
from pathlib import Path

from gtn_tf.cli.options import add_data_dir
from gtn_tf.config import SearchConfig, load_config, to_yaml


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options.

    Args:
        parser: To be added to.
    """
    parser.add_argument(
        "--config",
        default="search_digits",
        metavar="FILE",
        help="YAML file, or the name of a preset (default: search_digits)",
    )
    parser.add_argument(
        "--run-dir", type=Path, metavar="D", help="default: runs/ and FILE's name"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the search in D, if there is one",
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
        help="change a setting, such as ranking.candidates=20",
    )


def run(options: argparse.Namespace) -> None:
    """Runs the command.

    Args:
        options: As parsed.
    """
    config = load_config(options.config, options.overrides, SearchConfig)
    if options.print_config:
        print(to_yaml(config), end="")
        return
    from gtn_tf import runs  # its errors are told before TensorFlow starts

    runs.search(
        config,
        options.run_dir or Path("runs") / Path(options.config).stem,
        resume=options.resume,
        data_dir=options.data_dir,
        report=lambda line: print(line, flush=True),
    )
