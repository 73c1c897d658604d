"""Does a teacher rank NAO cells as a full training does? (paper, figure of section 3.4)

    python cli/nao_ranking.py [--scale smoke|laptop] [--data-dir D]

Scores random architectures of a small NAO space by a teacher, by as many steps of real
data, by real data for as many seconds and without training, trains each fully, and
compares every score with the test accuracy. Interrupted, the same command goes on where
it stopped; with more teachers it adds their scores. `--plot` draws the picture again.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common import ROOT, read_table, say
from gtn_tf.runs.score_table import SECONDS
from gtn_tf.search import NAOSpace, RealDataScorer, ScoringData
from gtn_tf.teaching import training_seconds
from rankings import (
    add_ranking_arguments,
    compare,
    load_data,
    ranking_names,
    ranking_scorers,
    score_all,
    score_columns,
    write_ranking_facts,
)

_EQUAL = "real data, equal seconds"
_MANY = 1_000_000  # more steps than any scoring has time for
_FULL, _SPEED = "full training", "speed of full training"


class _Scale(NamedTuple):
    architectures: int
    cells: int  # N
    filters: int  # F
    untrained: tuple[str, ...]  # scores without training
    steps: tuple[int, ...]  # inner steps: of one curriculum, and of several
    full_steps: int  # of the full training, in batches of 64
    counts_teacher: bool  # whether equal seconds include its training, shared by all


_SCALES = {
    "laptop": _Scale(
        48, 1, 8, ("params", "flops", "synflow", "naswot"), (128,), 500, True
    ),
    "smoke": _Scale(2, 0, 2, ("params",), (2,), 4, False),
}


def main() -> None:
    """Parses the command line; runs or resumes the experiment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", choices=_SCALES, default="laptop")
    add_ranking_arguments(parser, ROOT / "results" / "nao_ranking")
    parser.add_argument("--plot", action="store_true", help="draw again and stop")
    options = parser.parse_args()
    if not options.plot:
        measure(options)
    draw(options.out)


def measure(options: argparse.Namespace) -> None:
    """Scores and trains the architectures, in `cells.csv`, and writes `facts.json`."""
    scale = _SCALES[options.scale]
    splits = load_data(options)
    space = NAOSpace(
        splits.image_shape,
        splits.num_classes,
        cells=scale.cells,
        filters=scale.filters,
    )
    rng = np.random.default_rng(0)
    genotypes = [space.sample(rng) for _ in range(scale.architectures)]
    train = splits.train_images, splits.train_labels
    validation = splits.validation_images, splits.validation_labels
    test = splits.test_images, splits.test_labels
    scorers = ranking_scorers(options.teacher, scale.untrained, scale.steps)
    file = options.out / "cells.csv"
    say("scores")
    score_all(genotypes, space, scorers, ScoringData(train, validation), file)
    say("full trainings")
    count = len(test[1])
    full = RealDataScorer(
        scale.full_steps, cosine=True, images=count, names=(_FULL, _SPEED)
    )
    rows = score_all(genotypes, space, [full], ScoringData(train, test, 64), file)
    seconds = _seconds_of_a_scoring(rows, options)
    say(f"real data for {seconds:.0f} seconds")
    equal = RealDataScorer(_MANY, seconds, names=ranking_names(_EQUAL))
    score_all(genotypes, space, [equal], ScoringData(train, validation), file)
    write_ranking_facts(options, "nao_ranking", scale)


def _seconds_of_a_scoring(
    rows: Sequence[Mapping[str, float]], options: argparse.Namespace
) -> float:
    """The time of the first teacher's longest scoring, with a share of its training.

    Rounded to three digits, so that a resumed command computes the same.
    """
    scale = _SCALES[options.scale]
    first = ranking_scorers(options.teacher[:1], (), scale.steps[-1:])[0]
    longest = f"{SECONDS}{first.name}"
    once = training_seconds(options.teacher[0]) or 0.0
    shared = once / len(rows) if scale.counts_teacher else 0.0
    return float(f"{np.mean([row[longest] for row in rows]) + shared:.3g}")


def draw(out: Path) -> None:
    """Writes the tables and draws `scores.png` from `cells.csv`."""
    rows = read_table(out / "cells.csv")
    columns = score_columns(rows, besides=(_FULL, _SPEED))
    truth = [100 * row[_FULL] for row in rows]
    label = "test accuracy after full training [%]"
    compare(rows, columns, truth, label, _FULL, out)
    say(f"Written: cells.csv, correlations.csv, costs.csv, scores.png in {out}")


if __name__ == "__main__":
    main()
