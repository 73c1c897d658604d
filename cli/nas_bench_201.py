"""Does a teacher rank the cells of NAS-Bench-201 as 200 epochs of training do?

    python cli/nas_bench_201.py --table FILE --data cifar10 --teacher runs/cifar10_cells
        [--supernet RUN] [--ghn RUN] [--data-dir D] [--scale smoke|laptop]

Scores cells of the benchmark by a teacher, by as many steps of real data, by the first
teacher's rates on real images, by shared and by predicted weights, and without
training, and compares each score with the published accuracy on CIFAR-10. The table is
a CSV file with the columns arch, cifar10_test200 and cifar10_test12. Interrupted, the
same command goes on where it stopped; with more teachers it adds their scores. `--plot`
draws the picture again.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common import ROOT, read_table, say
from gtn_tf.cells import Genotype201
from gtn_tf.cells import read_table as read_benchmark
from gtn_tf.search import NASBench201Space, ScoringData, make_scorer
from rankings import (
    add_ranking_arguments,
    add_weights_arguments,
    compare,
    controls,
    load_data,
    ranking_scorers,
    score_all,
    score_columns,
    trained_weights,
    write_ranking_facts,
)

_TRUTH = "cifar10_test200"
_SHORT = "cifar10_test12"


class _Scale(NamedTuple):
    cells: int  # architectures
    filters: int  # C of the scored networks, with one cell in each stage
    untrained: tuple[str, ...]  # scores without training
    steps: tuple[int, ...]  # inner steps: of one curriculum, and of several


_SCALES = {
    "laptop": _Scale(150, 8, ("params", "flops", "synflow", "naswot"), (128,)),
    "smoke": _Scale(2, 2, ("params",), (2,)),
}


def main() -> None:
    """Parses the command line; runs or resumes the experiment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--scale", choices=_SCALES, default="laptop")
    add("--table", type=Path, required=True, help="the published accuracies")
    add_weights_arguments(parser)
    add_ranking_arguments(parser, ROOT / "results" / "nas_bench_201")
    parser.add_argument("--plot", action="store_true", help="draw again and stop")
    options = parser.parse_args()
    table = read_benchmark(options.table)
    if not options.plot:
        measure(options, sorted(table))
    draw(options.out, table)


def measure(options: argparse.Namespace, names: Sequence[str]) -> None:
    """Scores some of the cells, in `cells.csv`, and writes `facts.json`."""
    scale = _SCALES[options.scale]
    chosen = np.random.default_rng(0).choice(names, scale.cells, replace=False)
    splits = load_data(options)
    weights = trained_weights(options)
    space = NASBench201Space(
        splits.image_shape, splits.num_classes, cells=1, filters=scale.filters
    )
    score_all(
        [Genotype201.parse(name) for name in chosen.tolist()],
        space,
        [
            *ranking_scorers(options.teacher, scale.untrained, scale.steps),
            *controls(options.teacher[0], splits, scale.steps[-1]),
            *(make_scorer(name, **{name: path}) for name, path in weights.items()),
        ],
        ScoringData(
            (splits.train_images, splits.train_labels),
            (splits.validation_images, splits.validation_labels),
        ),
        options.out / "cells.csv",
    )
    words = [w for name, path in weights.items() for w in (f"--{name}", str(path))]
    write_ranking_facts(options, "nas_bench_201", scale, words)


def draw(out: Path, table: Mapping[str, Mapping[str, float]]) -> None:
    """Writes the other tables and draws `scores.png` from `cells.csv`.

    The published accuracies are not copied.
    """
    rows = read_table(out / "cells.csv")
    columns = score_columns(rows)
    published = [table[row["genotype"]] for row in rows]
    name = f"published, 12 epochs ({_SHORT})"
    columns[name] = [accuracies[_SHORT] for accuracies in published]
    label = "published CIFAR-10 accuracy after 200 epochs [%]"
    truth = [accuracies[_TRUTH] for accuracies in published]
    compare(rows, columns, truth, label, None, out)
    say(f"Written: cells.csv, correlations.csv, costs.csv, scores.png in {out}")


if __name__ == "__main__":
    main()
