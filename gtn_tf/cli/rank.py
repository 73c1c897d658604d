"""Ranks given genotypes by what a teacher makes of them."""

from __future__ import annotations

import argparse

from gtn_tf.cli.options import add_data, add_teacher, count, teacher_and_data, user_path
from gtn_tf.config import SpaceConfig
from gtn_tf.names import SPACES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options.

    Args:
        parser: To be added to.
    """
    add_teacher(parser)
    add_data(parser)
    parser.add_argument(
        "--genotypes",
        type=user_path,
        required=True,
        metavar="FILE",
        help="genotypes, one after the other: 40 integers, conv_3x3@0 identity@1; ... "
        "| ..., DARTS' Genotype(normal=...), or NAS-Bench-201's |op~0|+...",
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
        "--cells", type=count, default=1, metavar="N", help="N (default: 1)"
    )
    parser.add_argument(
        "--filters", type=count, default=8, metavar="F", help="F (default: 8)"
    )
    parser.add_argument(
        "--steps",
        type=count,
        default=128,
        metavar="T",
        help="inner steps; beyond the teacher's own, its curriculum is repeated "
        "(default: 128)",
    )
    parser.add_argument(
        "--learners",
        type=count,
        default=1,
        metavar="N",
        help="fresh networks whose accuracies are averaged (default: 1)",
    )


def run(options: argparse.Namespace) -> None:
    """Runs the command.

    Args:
        options: As parsed.
    """
    from gtn_tf import runs
    from gtn_tf.search import GTNScorer, ScoringData, make_scorer
    from gtn_tf.teaching.sources import RealLessons

    name, genotypes = runs.read_ranked(options.genotypes, options.space)
    teacher, splits = teacher_and_data(options)
    RealLessons(splits, teacher)  # told now, and not by every candidate
    chosen = SpaceConfig(name, options.cells, options.filters)
    space = runs.make_space(chosen, splits)
    gtn = GTNScorer(teacher, options.steps, options.learners)
    rows = runs.rank(
        genotypes,
        space,
        [make_scorer("params"), make_scorer("flops"), gtn],
        ScoringData(None, (splits.validation_images, splits.validation_labels)),
        options.out,
        report=lambda line: print(line, flush=True),
    )
    print(f"best: {rows[0]['genotype']}  gtn_score {rows[0]['gtn_score']}")
    print(f"Written: {options.out}")
