"""Fills the measured columns of `python -m gtn_tf.cli table`, row by row.

    python cli/architecture_table.py --teacher runs/cifar10_cells [--data-dir D]
        [--scale smoke|laptop]

Two random searches in a small NAO space, by real data and by a teacher, find one
architecture each. These and the published cells are trained in the same way, at one
small scale, with several seeds. Interrupted, the same command goes on where it stopped;
results in `searches.csv` and `rows.csv` are not computed again.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from common import ROOT, part_that_begins, read_table, say, write_table
from gtn_tf import runs
from gtn_tf.accuracy import mean_and_std
from gtn_tf.cells import PUBLISHED, count_network, read_genotype
from gtn_tf.config import (
    DataConfig,
    FinalConfig,
    FullTrainingConfig,
    NetworkConfig,
    RankingConfig,
    SearchConfig,
    SpaceConfig,
    TrainingConfig,
)
from gtn_tf.countdown import Countdown
from gtn_tf.reports.table import COLUMNS
from gtn_tf.teaching import load_teacher, training_seconds
from rankings import write_ranking_facts


class _Scale(NamedTuple):
    candidates: int  # of each search
    steps: int  # inner steps of a scoring
    cells: int  # N
    filters: int  # F
    wide: int  # filters of the rows with 4F
    epochs: int
    seeds: int
    augment: bool
    cutout: int  # side of the square, in pixels
    rows: tuple[str, ...]


# Rows of the published cells: the cell, and whether with cutout.
_PUBLISHED = {
    "nasnet_a": ("nasnet_a", False),
    "amoebanet_b_cutout": ("amoebanet_b", True),
    "darts_v2_cutout": ("darts_v2", True),
    "naonet_cutout": ("naonet", True),
    "naonet_ws": ("naonet_ws", False),
    "naonet_ws_cutout": ("naonet_ws", True),
    "enas": ("enas", False),
    "enas_cutout": ("enas", True),
}
# Rows of the searches: the scorer, with cutout, wide.
_SEARCHED = {
    "rs_real": ("real", False, False),
    "rs_gtn": ("gtn", False, False),
    "rs_real_cutout": ("real", True, False),
    "rs_gtn_cutout": ("gtn", True, False),
    "rs_real_cutout_4f": ("real", True, True),
    "rs_gtn_cutout_4f": ("gtn", True, True),
}
_SCALES = {
    "laptop": _Scale(24, 128, 1, 8, 32, 4, 3, True, 8, (*_SEARCHED, *_PUBLISHED)),
    "smoke": _Scale(2, 2, 0, 1, 2, 1, 1, False, 2, ("rs_gtn", "enas_cutout")),
}


def main() -> None:
    """Parses the command line; runs or resumes the experiment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--scale", choices=_SCALES, default="laptop")
    add("--data", default="cifar10", help="what the teacher teaches")
    add("--data-dir", type=Path, help="folder with the data files")
    add("--teacher", nargs=1, required=True, help="as for gtn_tf.cli rank")
    add("--out", type=Path, default=ROOT / "results" / "architecture_table")
    add("--run-dir", type=Path, default=ROOT / "runs" / "architecture_table")
    options = parser.parse_args()
    scale = _SCALES[options.scale]
    write_ranking_facts(options, "architecture_table", scale)
    searches = _searches(options)
    trainings = {key: _training(key, searches) for key in scale.rows}
    rows = read_table(options.out / "rows.csv")
    missing = [key for key in scale.rows if all(row["key"] != key for row in rows)]
    countdown = Countdown(len(missing))
    for key in missing:
        say(f"{key}: row {part_that_begins(countdown)}")
        # Two searches may find the same cell, which is trained once.
        name = next(k for k, one in trainings.items() if one == trainings[key])
        row = {"key": key, **_at_full_size(key, trainings[key][0])}
        row.update(_trained(name, trainings[key], options))
        if key in _SEARCHED:
            row["search_seconds"] = searches[_SEARCHED[key][0]]["seconds"]
        rows.append({column: row.get(column, "") for column in COLUMNS})
        write_table(rows, options.out / "rows.csv")
        countdown.next()
    say(f"Written: rows.csv in {options.out}; python -m gtn_tf.cli table shows it")


def _training(
    key: str, searches: Mapping[str, Mapping[str, Any]]
) -> tuple[str, bool, bool]:
    """The training of a row: genotype, whether with cutout, and whether wide."""
    if key in _PUBLISHED:
        return (*_PUBLISHED[key], False)
    scorer, cutout, wide = _SEARCHED[key]
    return searches[scorer]["genotype"], cutout, wide


def _at_full_size(key: str, genotype: str) -> dict[str, Any]:
    """The parameters at the published size, or the usual one for a found cell."""
    if key in _PUBLISHED:
        one = PUBLISHED[genotype]
        cells, filters, layout = one.cells, one.filters, one.layout
    else:
        cells, filters, layout = 6, 128 if _SEARCHED[key][2] else 36, "nao"
    cell = read_genotype(genotype).genotype
    counts = count_network(cell, (32, 32, 3), 10, cells, filters, layout=layout)
    return {"full_size": f"N={cells} F={filters}", "full_params": counts.params}


def _searches(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """For each scorer, the best candidate and the seconds of its search."""
    keys = _SCALES[options.scale].rows
    file = options.out / "searches.csv"
    found = read_table(file)
    for scorer in dict.fromkeys(_SEARCHED[key][0] for key in keys if key in _SEARCHED):
        if all(row["scorer"] != scorer for row in found):
            genotype, seconds = _search(scorer, options)
            found.append({"scorer": scorer, "genotype": genotype, "seconds": seconds})
            write_table(found, file)
    return {row["scorer"]: row for row in found}


def _search(scorer: str, options: argparse.Namespace) -> tuple[str, float]:
    """The best candidate, and the seconds of search and teacher training."""
    scale = _SCALES[options.scale]
    teacher = load_teacher(options.teacher[0])
    config = SearchConfig(
        data=DataConfig(options.data, image_size=teacher.image_shape[0]),
        space=SpaceConfig("nao", scale.cells, scale.filters),
        ranking=RankingConfig(
            candidates=scale.candidates,
            scorer=scorer,
            teacher=options.teacher[0],
            steps=scale.steps,
        ),
        training=TrainingConfig(top_k=0, batch_size=32),
    )
    folder = options.run_dir / f"search_{scorer}"
    say(f"search by {scorer}")
    runs.search(config, folder, resume=True, data_dir=options.data_dir, report=say)
    found = read_table(folder / "results.csv")
    best = min(found, key=lambda row: row["rank"])
    seconds = sum(row.get("seconds", 0.0) for row in found)
    if scorer == "gtn":
        seconds += training_seconds(options.teacher[0]) or 0.0
    return best["genotype"], seconds


def _trained(
    name: str, training: tuple[str, bool, bool], options: argparse.Namespace
) -> dict[str, Any]:
    """Trains an architecture with each seed, in folders with this name."""
    genotype, cutout, wide = training
    scale = _SCALES[options.scale]
    size = load_teacher(options.teacher[0]).image_shape[0]
    filters = scale.wide if wide else scale.filters
    config = FinalConfig(
        data=DataConfig(
            options.data,
            augment=("shift", "mirror") if scale.augment else (),
            cutout=scale.cutout if cutout else 0,
            image_size=size,
        ),
        network=NetworkConfig(
            genotype,
            cells=scale.cells,
            filters=filters,
            dropout=0.2,
            drop_path=0.1,
            auxiliary=0.0,
        ),
        training=FullTrainingConfig(scale.epochs, learning_rate=0.05),
    )
    found = []
    for seed in range(scale.seeds):
        say(f"seed {seed}")
        found.append(
            runs.train_final(
                dataclasses.replace(config, seed=seed),
                options.run_dir / f"{name}_{seed}",
                resume=True,
                data_dir=options.data_dir,
                report=say,
            )
        )
    error = mean_and_std([100 * (1 - one["test_accuracy"]) for one in found])
    return {
        "scale": f"{found[0]['dataset']} at {size}x{size}, N={scale.cells}, "
        f"F={filters}, {scale.epochs} epochs",
        "params": found[0]["params"],
        "error": error["mean"],
        "std": error["std"],
        "seeds": scale.seeds,
        "training_seconds": float(np.mean([one["seconds"] for one in found])),
    }


if __name__ == "__main__":
    main()
