"""The searches of the table of architectures, each made once."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from architecture_rows import SCALES, Answer, folders, trainings
from architecture_training import train
from common import read_table, say, write_table
from gtn_tf import runs
from gtn_tf.config import (
    DataConfig,
    RankingConfig,
    SearchConfig,
    SpaceConfig,
    TrainingConfig,
)
from gtn_tf.names import PROPOSERS
from gtn_tf.teaching import load_teacher, training_seconds
from search_lab import SIZES, Lab, Scale
from searches import METHODS

# What scores the candidates of proposers: as in the search by real data.
SCORER = "real"

OWN = "nao, 11 operations"  # the space of the searches by a teacher and by real data
_SPACES = {
    OWN: SpaceConfig("nao"),
    "nao, 5 operations": SpaceConfig("nao", ops="small"),  # that of weight sharing
    "NAS-Bench-201": SpaceConfig("nas_bench_201"),
}
# The space of each method of `METHODS` that has a row.
SPACES = {
    **dict.fromkeys(PROPOSERS, OWN),
    **dict.fromkeys(("supernet", "pool"), "nao, 5 operations"),
    **dict.fromkeys(
        ("enas", "darts", "second_order", "gdas", "ghn_top"), "NAS-Bench-201"
    ),
}
# The same of the searches by size alone.
CONTROLS = {
    "params": OWN,
    "params_5_ops": "nao, 5 operations",
    "params_201": "NAS-Bench-201",
}


def answers(options: argparse.Namespace) -> dict[str, Answer]:
    """What the searches found so far, by name.

    Args:
        options: As parsed.
    """
    cells: dict[str, list[Any]] = {}
    for row in read_table(options.out / "searches.csv"):
        cells.setdefault(row["search"], []).append(row)
    return {
        name: Answer(
            [one["genotype"] for one in every], every[0]["seconds"], every[0]["space"]
        )
        for name, every in cells.items()
    }


def expect_answer(name: str, options: argparse.Namespace) -> Answer:
    """The answer of a search, which is made if it was not yet.

    Args:
        name: The `cell` of a row.
        options: As parsed.
    """
    known = answers(options)
    if name not in known:
        say(f"search: {name}")
        found = _SEARCHES.get(name, _by_method)(name, options)
        tf.keras.backend.clear_session()
        known = {**answers(options), name: found}  # it may have needed another one
        _write(known, options)
    return known[name]


def _write(known: Mapping[str, Answer], options: argparse.Namespace) -> None:
    """A row for each cell, those of a search best first."""
    rows = [
        {
            "search": name,
            "genotype": cell,
            "seconds": of_it.seconds,
            "space": of_it.space,
        }
        for name, of_it in known.items()
        for cell in of_it.cells
    ]
    write_table(rows, options.out / "searches.csv")


def sizes(options: argparse.Namespace) -> Scale:
    """The sizes of searches by a method: those of `search_methods`, in this network.

    Args:
        options: As parsed.
    """
    scale = SCALES[options.scale]
    return SIZES[options.scale]._replace(
        seeds=1,
        data=options.data,
        image_size=load_teacher(options.teacher[0]).image_shape[0],
        cells=scale.cells,
        filters=scale.filters,
        steps=scale.steps,
        images=scale.images,
    )


def _by_method(name: str, options: argparse.Namespace) -> Answer:
    """A search by one of the library's methods."""
    return _search_in(SPACES[name], name, options)


def _by_size(name: str, options: argparse.Namespace) -> Answer:
    """The random cell with the most parameters."""
    return _search_in(CONTROLS[name], "params", options)


def _search_in(space: str, method: str, options: argparse.Namespace) -> Answer:
    """A search in one of the spaces."""
    folder = options.run_dir / space.replace(", ", "_").replace(" ", "_")
    given = 0, SCORER, None, options.data_dir, folder, say, _SPACES[space]
    with Lab(sizes(options), *given) as lab:
        found = METHODS[method].search(lab)
    cells = found.cells[: SCALES[options.scale].top]
    seconds = found.training + found.scoring + found.proposing
    return Answer(cells, seconds, space)


def _by_scorer(scorer: str, options: argparse.Namespace) -> Answer:
    """Random search by real data or a teacher, with the teacher's training."""
    scale = SCALES[options.scale]
    teacher = load_teacher(options.teacher[0])
    config = SearchConfig(
        data=DataConfig(options.data, image_size=teacher.image_shape[0]),
        space=SpaceConfig("nao", scale.cells, scale.filters),
        ranking=RankingConfig(
            candidates=scale.candidates,
            scorer=scorer,
            teacher=options.teacher[0],
            steps=scale.steps,
            images=scale.images,
        ),
        training=TrainingConfig(top_k=0, batch_size=32),
    )
    folder = options.run_dir / f"search_{scorer}"
    runs.search(config, folder, resume=True, data_dir=options.data_dir, report=say)
    found = read_table(folder / "results.csv")
    best = min(found, key=lambda row: row["rank"])
    seconds = sum(row.get("seconds", 0.0) for row in found)
    if scorer == "gtn":
        seconds += training_seconds(options.teacher[0]) or 0.0
    return Answer([best["genotype"]], seconds, OWN)


def _best_of_ghn_top(name: str, options: argparse.Namespace) -> Answer:
    """The best of the cells of GHN Top after their trainings, by validation images.

    The trainings are part of the search.
    """
    before = expect_answer("ghn_top", options)
    every = trainings("ghn_top", known := answers(options))
    of_training = folders(known)
    accuracies, seconds = [], before.seconds
    for one in every:
        summaries = train(one, of_training[one], options)
        accuracies.append(np.mean([s["validation_accuracy"] for s in summaries]))
        seconds += sum(s["seconds"] for s in summaries)
    best = every[int(np.argmax(accuracies))].genotype
    return Answer([best], seconds, before.space)


_SEARCHES: dict[str, Callable[[str, argparse.Namespace], Answer]] = {
    "real": _by_scorer,
    "gtn": _by_scorer,
    "ghn_top_best": _best_of_ghn_top,
    **dict.fromkeys(CONTROLS, _by_size),
}
