"""Ranks given genotypes by a teacher or by other scores."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gtn_tf.cli.options import (
    add_data,
    add_teacher,
    count,
    count_or_0,
    is_path,
    teacher_and_data,
    user_path,
)
from gtn_tf.config import DataConfig, SpaceConfig
from gtn_tf.errors import ArgumentError
from gtn_tf.names import SCORERS, SPACES

if TYPE_CHECKING:  # importing TensorFlow takes five seconds
    from gtn_tf.cells import AnyGenotype
    from gtn_tf.data import Splits
    from gtn_tf.teaching import TrainedTeacher


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options.

    Args:
        parser: The parser.
    """
    add_teacher(parser, required=False)
    add_data(parser)
    ranked = parser.add_mutually_exclusive_group(required=True)
    ranked.add_argument(
        "--genotypes",
        type=user_path,
        metavar="FILE",
        help="genotypes, one after the other: 40 integers, conv_3x3@0 identity@1; ... "
        "| ..., DARTS' Genotype(normal=...), or NAS-Bench-201's |op~0|+...",
    )
    ranked.add_argument(
        "--all", action="store_true", help="all 15,625 genotypes of NAS-Bench-201"
    )
    parser.add_argument(
        "--out",
        type=user_path,
        required=True,
        metavar="FILE.csv",
        help="the table, written after each genotype; the same command goes on with it",
    )
    parser.add_argument(
        "--space", choices=SPACES, help="cell space (default: that of the genotypes)"
    )
    parser.add_argument(
        "--cells", type=count_or_0, default=1, metavar="N", help="N (default: 1)"
    )
    parser.add_argument(
        "--filters", type=count, default=8, metavar="F", help="F (default: 8)"
    )
    parser.add_argument(
        "--scorer",
        choices=SCORERS,
        nargs="+",
        default=["gtn"],
        help="what ranks; the ranks of several are added (default: gtn)",
    )
    parser.add_argument(
        "--supernet",
        type=user_path,
        metavar="D",
        help="run directory of train-supernet, for the scorer supernet",
    )
    parser.add_argument(
        "--ghn",
        type=user_path,
        metavar="D",
        help="run directory of train-ghn, for the scorer ghn",
    )
    parser.add_argument(
        "--steps",
        type=count,
        default=128,
        metavar="T",
        help="of scorers that train; beyond the teacher's own, its curriculum is "
        "repeated (default: 128)",
    )
    parser.add_argument(
        "--learners",
        type=count,
        default=1,
        metavar="N",
        help="of scorers that train: fresh networks whose scores are averaged "
        "(default: 1)",
    )
    parser.add_argument(
        "--workers",
        type=count,
        metavar="N",
        help="genotypes that are scored at the same time (default: one for each core)",
    )


def run(options: argparse.Namespace) -> None:
    """Runs the command.

    Args:
        options: As parsed.
    """
    from gtn_tf import runs
    from gtn_tf.evaluation import RealLessons
    from gtn_tf.search import ScoringData, make_scorer

    workers = options.workers or runs.available_cores()
    if workers > 1:
        runs.use_one_thread_per_operation()
    name, genotypes = _genotypes(options)
    teacher, splits = _teacher_and_data(options)
    scorers = [
        make_scorer(
            one,
            teacher,
            options.steps,
            options.learners,
            supernet=options.supernet,
            ghn=options.ghn,
        )
        for one in dict.fromkeys(options.scorer)
    ]
    for one in scorers:
        if one.teacher is not None:
            RealLessons(splits, one.teacher)  # fails once, not for every genotype
    train = splits.train_images, splits.train_labels
    validation = splits.validation_images, splits.validation_labels
    needed = any(one.needs_training_data for one in scorers)
    rows = runs.rank(
        genotypes,
        runs.make_space(SpaceConfig(name, options.cells, options.filters), splits),
        scorers,
        ScoringData(train if needed else None, validation),
        options.out,
        report=lambda line: print(line, flush=True),
        workers=workers,
    )
    scores = "  ".join(f"{one.name} {rows[0][one.name]}" for one in scorers)
    print(f"best: {rows[0]['genotype']}  {scores}")
    print(f"Written: {options.out}")


def _genotypes(options: argparse.Namespace) -> tuple[str, list[AnyGenotype]]:
    """The space, and what is ranked of it."""
    from gtn_tf import runs
    from gtn_tf.cells import Genotype201

    if not options.all:
        return runs.read_ranked(options.genotypes, options.space)
    if options.space not in (None, "nas_bench_201"):
        raise ArgumentError(
            f"--all: expected --space nas_bench_201, received {options.space}, which "
            "is too large; list some in a file for --genotypes"
        )
    return "nas_bench_201", [*Genotype201.all()]


def _teacher_and_data(
    options: argparse.Namespace,
) -> tuple[TrainedTeacher | None, Splits]:
    """The teacher, if any, and the data, by default the teacher's own."""
    if options.teacher is not None:
        return teacher_and_data(options)
    if options.data is None:
        raise ArgumentError("expected --teacher or --data, received neither")
    from gtn_tf import runs

    named = {"path" if is_path(options.data) else "name": options.data}
    return None, runs.load_splits(DataConfig(**named), options.data_dir)
