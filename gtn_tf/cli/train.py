"""Meta-trains a teacher, compares it with real data and exports it."""

from __future__ import annotations

import argparse

from gtn_tf.cli.options import add_run, run_dir
from gtn_tf.config import load_config, to_yaml


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options.

    Args:
        parser: To be added to.
    """
    add_run(parser, "digits", "meta.iterations=200")


def run(options: argparse.Namespace) -> None:
    """Runs the command.

    Args:
        options: As parsed.
    """
    config = load_config(options.config, options.overrides)
    if options.print_config:
        print(to_yaml(config), end="")
        return
    from gtn_tf import runs  # late: bad options are reported before TensorFlow starts

    runs.train(
        config,
        run_dir(options),
        resume=options.resume,
        data_dir=options.data_dir,
        report=lambda line: print(line, flush=True),
    )
