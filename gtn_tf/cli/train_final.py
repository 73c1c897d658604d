"""Trains one architecture fully, as the literature does, and exports the classifier."""

from __future__ import annotations

import argparse
import json

from gtn_tf.cli.options import job_command
from gtn_tf.config import FinalConfig

_add_job, _run_job = job_command(
    FinalConfig, "final_digits", "training.epochs=20", "train_final"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options.

    Args:
        parser: The parser.
    """
    parser.add_argument(
        "--genotype",
        metavar="G",
        help="a published one's name (see genotypes), a genotype, or a file with one "
        "(default: network.genotype of the configuration)",
    )
    _add_job(parser)


def run(options: argparse.Namespace) -> None:
    """Runs the command.

    Args:
        options: As parsed.
    """
    if options.genotype is not None:
        options.overrides.append(f"network.genotype={json.dumps(options.genotype)}")
    _run_job(options)
