"""Searches architectures: ranks candidates by a teacher, then trains the best."""

from __future__ import annotations

import argparse

from gtn_tf.cli.options import add_run, run_dir
from gtn_tf.config import SearchConfig, load_config, to_yaml


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options.

    Args:
        parser: To be added to.
    """
    add_run(parser, "search_digits", "ranking.candidates=20")


def run(options: argparse.Namespace) -> None:
    """Runs the command.

    Args:
        options: As parsed.
    """
    config = load_config(options.config, options.overrides, SearchConfig)
    if options.print_config:
        print(to_yaml(config), end="")
        return
    from gtn_tf import runs  # a mistake is reported before TensorFlow starts

    runs.search(
        config,
        run_dir(options),
        resume=options.resume,
        data_dir=options.data_dir,
        report=lambda line: print(line, flush=True),
    )
