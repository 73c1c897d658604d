"""Does a teacher rank NAO cells as a full training does? (paper, figure of section 3.4)

    python cli/nao_ranking.py [--scale smoke|laptop] [--data-dir D]

Scores random architectures of a small NAO space by a teacher, by as many steps of real
data, by the first teacher's rates on real images and without training, trains each
fully, and compares every score with the test accuracy. Interrupted, the same command
goes on where it stopped; with more teachers it adds their scores. `--plot` draws the
picture again.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common import ROOT, read_table, say
from gtn_tf.search import NAOSpace, RealDataScorer, ScoringData
from rankings import (
    add_ranking_arguments,
    compare,
    controls,
    load_data,
    ranking_scorers,
    score_all,
    score_columns,
    write_ranking_facts,
)

_FULL, _SPEED = "full training", "speed of full training"


class _Scale(NamedTuple):
    architectures: int
    cells: int  # N
    filters: int  # F
    untrained: tuple[str, ...]  # scores without training
    steps: tuple[int, ...]  # inner steps: of one curriculum, and of several
    full_steps: int  # of the full training, in batches of 64


_SCALES = {
    "laptop": _Scale(150, 1, 8, ("params", "flops", "synflow", "naswot"), (128,), 500),
    "smoke": _Scale(2, 0, 2, ("params",), (2,), 4),
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
    scorers = [
        *ranking_scorers(options.teacher, scale.untrained, scale.steps),
        *controls(options.teacher[0], splits, scale.steps[-1]),
    ]
    file = options.out / "cells.csv"
    say("scores")
    score_all(genotypes, space, scorers, ScoringData(train, validation), file)
    say("full trainings")
    count = len(test[1])
    full = RealDataScorer(
        scale.full_steps, cosine=True, images=count, names=(_FULL, _SPEED)
    )
    score_all(genotypes, space, [full], ScoringData(train, test, 64), file)
    write_ranking_facts(options, "nao_ranking", scale)


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
