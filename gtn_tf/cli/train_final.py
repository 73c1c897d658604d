"""Trains one architecture fully, as the literature does, and exports the classifier."""

from __future__ import annotations

import argparse
import json

from gtn_tf.cli.options import add_run, run_dir
from gtn_tf.config import FinalConfig, load_config, to_yaml


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options.

    Args:
        parser: To be added to.
    """
    parser.add_argument(
        "--genotype",
        metavar="G",
        help="a published one's name (see genotypes), a genotype, or a file with one "
        "(default: network.genotype of the configuration)",
    )
    add_run(parser, "final_digits", "training.epochs=20")


def run(options: argparse.Namespace) -> None:
    """Runs the command.

    Args:
        options: As parsed.
    """
    overrides = list(options.overrides)
    if options.genotype is not None:
        overrides.append(f"network.genotype={json.dumps(options.genotype)}")
    config = load_config(options.config, overrides, FinalConfig)
    if options.print_config:
        print(to_yaml(config), end="")
        return
    from gtn_tf import runs  # a mistake is reported before TensorFlow starts

    runs.train_final(
        config,
        run_dir(options),
        resume=options.resume,
        data_dir=options.data_dir,
        report=lambda line: print(line, flush=True),
    )
