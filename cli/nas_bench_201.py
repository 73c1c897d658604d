"""Does a teacher rank the cells of NAS-Bench-201 as 200 epochs of training do?

    python cli/nas_bench_201.py --table FILE [--data-dir D] [--scale smoke|laptop]

Scores cells of the benchmark on MNIST by a teacher, by as many steps of real data and
without training, and compares each score with the published accuracy on CIFAR-10. The
table is a CSV file with the columns arch, cifar10_test200 and cifar10_test12.
Interrupted, the same command goes on where it stopped; with more
teachers it adds their scores. `--plot` draws the picture again.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from common import (
    ROOT,
    add_ranking_arguments,
    compare,
    load_data,
    ranking_scorers,
    read_table,
    say,
    score_all,
    score_columns,
    write_facts,
    write_table,
)

from gtn_tf.cells import Genotype201
from gtn_tf.cells import read_table as read_benchmark
from gtn_tf.search import NASBench201Space, ScoringData

_TRUTH = "cifar10_test200"
_SHORT = "cifar10_test12"


class _Scale(NamedTuple):
    cells: int  # architectures
    filters: int  # C of the scored networks, with one cell in each part
    untrained: tuple[str, ...]  # scores without training
    steps: tuple[int, ...]  # inner steps: of one curriculum, and of several


_SCALES = {
    "laptop": _Scale(150, 8, ("params", "flops", "synflow", "naswot"), (128,)),
    "smoke": _Scale(4, 2, ("params",), (2,)),
}


def main() -> None:
    """Reads the command line and does what is left to do."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--scale", choices=_SCALES, default="laptop")
    add("--table", type=Path, help="the published accuracies")
    add_ranking_arguments(parser, ROOT / "results" / "nas_bench_201")
    options = parser.parse_args()
    if not options.plot:
        if options.table is None:
            parser.error("expected --table FILE, received none")
        measure(options)
    draw(options.out)


def measure(options: argparse.Namespace) -> None:
    """Scores the cells, in `cells.csv`, and writes `facts.json`."""
    scale = _SCALES[options.scale]
    table = read_benchmark(options.table)
    rng = np.random.default_rng(0)
    names = rng.choice(sorted(table), scale.cells, replace=False).tolist()
    splits = load_data(options)
    space = NASBench201Space(
        splits.image_shape, splits.num_classes, cells=1, filters=scale.filters
    )
    rows = score_all(
        [Genotype201.parse(name) for name in names],
        space,
        ranking_scorers(options.teacher, scale.untrained, scale.steps),
        ScoringData(
            (splits.train_images, splits.train_labels),
            (splits.validation_images, splits.validation_labels),
        ),
        options.out / "cells.csv",
    )
    for row in rows:
        published = table[row["genotype"]]
        row.update({key: published[key] for key in (_TRUTH, _SHORT)})
    write_table(rows, options.out / "cells.csv")
    write_facts(options, "nas_bench_201", scale)


def draw(out: Path) -> None:
    """Writes the tables and draws `scores.png` from `cells.csv`."""
    rows = read_table(out / "cells.csv")
    columns = score_columns(rows, besides=(_TRUTH,))
    columns[f"published, 12 epochs ({_SHORT})"] = columns.pop(_SHORT)
    label = "published CIFAR-10 accuracy after 200 epochs [%]"
    truth = [row[_TRUTH] for row in rows]
    compare(rows, columns, truth, label, None, out)
    say(f"Written: cells.csv, correlations.csv, costs.csv, scores.png in {out}")


if __name__ == "__main__":
    main()
