"""Tests a teacher on fresh learners, step by step, against real data."""

from __future__ import annotations

import argparse
from pathlib import Path

from gtn_tf.cli.options import (
    add_data,
    add_teacher,
    count,
    teacher_and_data,
    teacher_name,
    user_path,
)
from gtn_tf.names import LEARNERS, SPACES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options.

    Args:
        parser: The parser.
    """
    add_teacher(parser)
    add_data(parser)
    parser.add_argument(
        "--learner",
        choices=(*LEARNERS, *SPACES),
        default="conv",
        help="network that is taught; a cell space: random architectures that "
        "meta-training never drew (default: conv)",
    )
    parser.add_argument(
        "--learners",
        type=count,
        default=10,
        metavar="N",
        help="fresh learners for each source of lessons (default: 10)",
    )
    parser.add_argument(
        "--every",
        type=count,
        default=1,
        metavar="N",
        help="inner steps between tests (default: 1)",
    )
    parser.add_argument(
        "--out",
        type=user_path,
        metavar="D",
        help="folder for curves.csv, curves.png and evaluation.json (default: "
        "runs/evaluate/ and the names of teacher, data and learner); the same command "
        "goes on with an evaluation that was interrupted",
    )


def run(options: argparse.Namespace) -> None:
    """Runs the command.

    Args:
        options: As parsed.
    """
    from gtn_tf import runs
    from gtn_tf.accuracy import in_words

    teacher, splits = teacher_and_data(options)
    folder = teacher_name(options)
    out = options.out or (
        Path("runs")
        / "evaluate"
        / f"{folder}-{splits.name.replace('/', '-')}-{options.learner}"
    )
    found = runs.evaluate(
        teacher,
        splits,
        options.learner,
        out,
        options.learners,
        options.every,
        report=lambda line: print(line, flush=True),
    )
    steps, batch = teacher.classes.shape
    print(
        f"\nTest accuracy on {splits.title} of {options.learners} fresh learners "
        f"({options.learner}) after {steps} steps of {batch} "
        "(mean +- standard deviation):"
    )
    for source, result in found["results"].items():
        name = runs.SOURCES[source]
        print(f"  {name:32}  {in_words(result)}")
    print(f"Written: curves.csv, curves.png and evaluation.json in {out}")
