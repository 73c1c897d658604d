"""The results of searches, row by row: a method and a seed each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from common import part_that_begins, read_table, say, write_table
from gtn_tf.cells import Genotype201
from gtn_tf.countdown import Countdown
from gtn_tf.non_finite import NonFiniteError
from gtn_tf.search import NASBench201Space
from search_controls import Truth, controls
from search_lab import Lab, Scale
from searches import METHODS, Found


def search_all(
    methods: Sequence[str],
    scale: Scale,
    truth: Truth,
    file: Path,
    scorer: str,
    teacher: str | None,
    data_dir: Path | None,
    folder: Path,
) -> list[dict[str, Any]]:
    """Searches by each method with each seed, unless there is a row of it.

    Seed by seed, so that an unfinished table has all methods.

    Args:
        methods: Some of `METHODS`.
        scale: The sizes.
        truth: The accuracies.
        file: The CSV file, which is written after each search.
        scorer: What scores candidates.
        teacher: Of the scorers that have one.
        data_dir: Folder with the data files.
        folder: Of scores and of trainings.

    Returns:
        All rows of the file, those of controls last.
    """
    its_label = labels(methods, scorer)
    rows = [row for row in read_table(file) if "seed" in row]
    done = {(row["method"], row["seed"]) for row in rows}
    wanted = [(name, seed) for seed in range(scale.seeds) for name in methods]
    missing = [
        (name, seed) for name, seed in wanted if (its_label[name], seed) not in done
    ]
    countdown = Countdown(len(missing))
    for seed in dict.fromkeys(seed for _, seed in missing):
        with Lab(scale, seed, scorer, teacher, data_dir, folder, say) as lab:
            for name in (name for name, its in missing if its == seed):
                label, part = its_label[name], part_that_begins(countdown)
                print(f"{label}, seed {seed}: row {part}", flush=True)
                try:
                    found = METHODS[name].search(lab)
                except NonFiniteError as error:
                    say(f"failed, no row: {error}")
                else:
                    rows.append(_row(name, label, lab, found, truth))
                    write_table(_sorted(rows), file)
                countdown.next()
                tf.keras.backend.clear_session()
    every = [*_sorted(rows), *_controls(scale, truth)]
    write_table(every, file)
    return every


def labels(methods: Sequence[str], scorer: str) -> dict[str, str]:
    """How methods are called in the tables.

    Args:
        methods: Some of `METHODS`.
        scorer: What scores candidates.
    """
    return {name: METHODS[name].label.format(scorer=scorer) for name in methods}


def _row(name: str, label: str, lab: Lab, found: Found, truth: Truth) -> dict[str, Any]:
    return {
        "name": name,
        "method": label,
        "seed": lab.seed,
        **truth.of(found.cells),
        "candidates": found.scored,
        "seconds": found.training + found.scoring + found.proposing,
        "training_seconds": found.training,
        "scoring_seconds": found.scoring,
        "proposing_seconds": found.proposing,
        "genotype": found.cells[0],
        "data": lab.splits.title,
    }


def _sorted(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows by method, in the order of `METHODS`, and then by seed."""
    order = [*METHODS]
    return sorted(
        rows, key=lambda row: (order.index(row["name"]), row["method"], row["seed"])
    )


def _controls(scale: Scale, truth: Truth) -> list[dict[str, Any]]:
    space = NASBench201Space((32, 32, 3), 10, scale.cells, scale.filters)
    params = {
        cell: float(space.counts(Genotype201.parse(cell)).params)
        for cell in truth.accuracies
    }
    return controls(truth, params, scale.candidates)
