"""Which score ranks the cells of NAS-Bench-201 best for its CPU seconds?

    python cli/ranking_cost.py --table FILE --data cifar10 --teacher NAME=PATH ...
        [--supernet RUN] [--ghn RUN] [--data-dir D] [--scale smoke|laptop]

Trains each cell once on real data, once at a teacher's rates, and once by each teacher;
reads scores from the loss curves after 16, 32, 64, ... steps; and compares them, shared
weights, predicted weights and scores without training with the published accuracies.
The table is a CSV file with the columns arch and cifar10_test200.

Each contender has a table in `contenders/`, written after each cell: interrupted, the
same command goes on where it stopped. `--only` computes some contenders, so that two
commands share the work. `--plot` writes the tables and pictures again.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from common import ROOT, write_facts
from gtn_tf import data, runs
from gtn_tf.cells import Genotype201
from gtn_tf.cells import read_table as read_benchmark
from gtn_tf.errors import not_one_of
from gtn_tf.evaluation import expect_same_kind
from gtn_tf.search import (
    GTNScorer,
    NASBench201Space,
    RealDataScorer,
    Scorer,
    ScoringData,
    make_scorer,
)
from gtn_tf.teaching import TrainedTeacher, load_teacher, training_seconds
from loss_curves import Course, LossCurve, Timed
from ranking_cost_entries import Contender
from ranking_cost_tables import write_results
from rankings import add_weights_arguments, score_all, trained_weights

_FIRST = 150  # cells that other results have, too
_SGD = (0.1, 0.9)  # of the scorer


class _Scale(NamedTuple):
    cells: int
    filters: int  # C of the scored networks, with one cell in each stage
    steps: int  # of teachers
    real_steps: int
    block: int  # steps whose mean loss is kept; the first reading
    images: int  # for the accuracy


_SCALES = {
    "laptop": _Scale(_FIRST, 8, 128, 1024, 16, 2000),
    "smoke": _Scale(4, 2, 4, 8, 2, 100),
}


def main() -> None:
    """Parses the command line; runs or resumes the experiment."""
    options = _parser().parse_args()
    runs.use_one_thread_per_operation()
    scale = _SCALES[options.scale]
    scale = scale._replace(
        cells=options.cells or scale.cells,
        real_steps=options.real_steps or scale.real_steps,
    )
    table = read_benchmark(options.table)
    cells = chosen(sorted(table), scale.cells)
    contenders = _contenders(options, scale)
    _expect_known(options.only or [], contenders)
    if not options.plot:
        _measure(options, scale, cells, contenders)
    truth = [table[cell]["cifar10_test200"] for cell in cells]
    write_results(options.out, contenders, cells, truth, scale.block)


def _expect_known(only: Sequence[str], contenders: Sequence[Contender]) -> None:
    """Expects a file for each contender, and one for each name."""
    files = [one.file.stem for one in contenders]
    for name in only:
        if name not in files:
            raise SystemExit(not_one_of("--only", name, files))
    for file in files:
        if files.count(file) > 1:
            raise SystemExit(f"{file}.csv: expected one contender, received several")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--scale", choices=_SCALES, default="laptop")
    add("--table", type=Path, required=True, help="the published accuracies")
    add("--data", default="cifar10", help="what the teachers teach")
    add("--data-dir", type=Path, help="folder with the data files")
    add("--image-size", type=int, default=16, help="without a teacher")
    add("--out", type=Path, default=ROOT / "results" / "ranking_cost")
    add(
        "--teacher",
        nargs="+",
        type=_named,
        default=[],
        metavar="NAME=PATH",
        help="as for gtn_tf.cli rank, in the order of their meta-training",
    )
    add(
        "--spent",
        nargs="+",
        type=_named,
        default=[],
        metavar="NAME=SECONDS",
        help="CPU seconds that made a teacher, 'supernet' or 'ghn' (default: the wall "
        "seconds in its summary.json)",
    )
    add_weights_arguments(parser)
    add("--cells", type=int, help=f"the first {_FIRST} are those of other results")
    add("--real-steps", type=int, help="steps of real data (default: of the scale)")
    add("--learners", type=int, default=1, help="networks a cell, of teachers")
    add("--real-learners", type=int, default=1, help="networks a cell, of real data")
    add(
        "--sgd",
        nargs=2,
        type=float,
        action="append",
        metavar=("RATE", "MOMENTUM"),
        help="of real data (default: 0.1 0.9, the scorer's); may be given again",
    )
    add("--only", nargs="+", metavar="FILE", help="names in contenders/, without .csv")
    add("--plot", action="store_true", help="write tables and pictures, and stop")
    return parser


def _named(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign and value):
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, received {text!r}")
    return name, value


def chosen(names: Sequence[str], count: int) -> list[str]:
    """Random cells: those of the other results first.

    Args:
        names: All of them, sorted.
        count: How many.
    """
    first = np.random.default_rng(0).choice(
        names, min(_FIRST, len(names)), replace=False
    )
    others = np.random.default_rng(1).permutation(np.setdiff1d(names, first))
    return [*first.tolist(), *others.tolist()][:count]


def _contenders(options: argparse.Namespace, scale: _Scale) -> list[Contender]:
    """What is compared, in the order of the tables."""
    spent = {name: float(value) for name, value in options.spent}
    found = []

    def add(name: str, make: Callable[[], list[Scorer]], **about: Any) -> None:
        file = re.sub(r"\W+", "_", name).strip("_")
        path = options.out / "contenders" / f"{file}.csv"
        found.append(Contender(name, path, make, **about))

    def trained(
        name: str, course: Callable[[], Course], learners: int, **about: Any
    ) -> None:
        def make() -> list[Scorer]:
            shared = course()
            return [LossCurve(shared, n, scale.block) for n in range(learners)]

        add(name, make, learners=learners, **about)

    for rate, momentum in options.sgd or [_SGD]:
        trained(
            f"real data, SGD {rate:g}, {momentum:g}",
            _on_real_data(scale, rate, momentum),
            options.real_learners,
            steps=scale.real_steps,
            is_real=True,
        )
    for name, path in options.teacher[-1:]:
        trained(
            f"real data, rates of {name}",
            _at_rates_of(scale, path),
            options.real_learners,
            steps=scale.real_steps,
            is_real=True,
        )
    for name, path in options.teacher:
        once = spent.get(name, training_seconds(path))
        about = {"steps": scale.steps, "made_in": once, "is_teacher": True}
        trained(f"teacher {name}", _by(scale, path), options.learners, **about)
    for name in ("params", "flops", "synflow", "naswot"):
        add(name, _timed(name))
    for name, path in trained_weights(options).items():
        once = spent.get(name, training_seconds(path))
        given = {name: path, "images": scale.images}
        add(name, _timed(name, **given), made_in=once)
    return found


def _timed(name: str, **given: Any) -> Callable[[], list[Scorer]]:
    return lambda: [Timed(make_scorer(name, **given))]


def _on_real_data(scale: _Scale, rate: float, momentum: float) -> Callable[[], Course]:
    return lambda: Course(
        RealDataScorer(scale.real_steps, None, rate, momentum, images=scale.images)
    )


def _at_rates_of(scale: _Scale, path: str) -> Callable[[], Course]:
    steps = scale.real_steps
    return lambda: Course(
        RealDataScorer(steps, images=scale.images),
        GTNScorer(load_teacher(path), steps),
    )


def _by(scale: _Scale, path: str) -> Callable[[], Course]:
    return lambda: Course(
        GTNScorer(load_teacher(path), scale.steps, images=scale.images)
    )


def _measure(
    options: argparse.Namespace,
    scale: _Scale,
    cells: Sequence[str],
    contenders: Sequence[Contender],
) -> None:
    """Adds what the contenders' tables lack."""
    teachers = [load_teacher(path) for _, path in options.teacher]
    splits = _load_data(options, teachers)
    _write_facts(options, scale, splits.title)
    examples = ScoringData(
        (splits.train_images, splits.train_labels),
        (splits.validation_images, splits.validation_labels),
    )
    space = NASBench201Space(
        splits.image_shape, splits.num_classes, cells=1, filters=scale.filters
    )
    genotypes = [Genotype201.parse(cell) for cell in cells]
    for contender in contenders:
        if options.only and contender.file.stem not in options.only:
            continue
        print(contender.name, flush=True)
        score_all(genotypes, space, contender.scorers(), examples, contender.file)


def _load_data(
    options: argparse.Namespace, teachers: Sequence[TrainedTeacher]
) -> data.Splits:
    size = teachers[0].image_shape[0] if teachers else options.image_size
    splits = data.load(options.data, data_dir=options.data_dir, image_size=size)
    for teacher in teachers:
        expect_same_kind(splits, teacher)  # before anything is computed
    return splits


def _write_facts(options: argparse.Namespace, scale: _Scale, title: str) -> None:
    words = [f"--scale {options.scale} --data {options.data}"]
    for name in ("teacher", "spent"):
        if getattr(options, name):
            given = [f"{one}={value}" for one, value in getattr(options, name)]
            words.append(f"--{name} {' '.join(given)}")
    words += [f"--sgd {rate:g} {momentum:g}" for rate, momentum in options.sgd or []]
    for name in ("supernet", "ghn", "cells", "real_steps"):
        if getattr(options, name):
            words.append(f"--{name.replace('_', '-')} {getattr(options, name)}")
    words.append(f"--learners {options.learners}")
    words.append(f"--real-learners {options.real_learners}")
    command = f"python cli/ranking_cost.py {' '.join(words)}"
    write_facts(options.out, command, scale, data=title, seed=0)


if __name__ == "__main__":
    main()
