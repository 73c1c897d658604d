"""The rows of the table of architectures: which cell each is of, and its training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from gtn_tf.cells import PUBLISHED, Genotype201, count_network, read_genotype
from gtn_tf.names import PROPOSERS


class Sizes(NamedTuple):
    """The sizes of searches by a teacher and by real data, and of all trainings."""

    candidates: int  # of each of these searches
    steps: int  # inner steps of a scoring, also by the methods of `searches.py`
    images: int  # validation images of a score, likewise
    cells: int  # N
    filters: int  # F
    wide: int  # filters of the rows with 4F
    epochs: int
    seeds: int
    augment: bool
    cutout: int  # side of the square, in pixels
    top: int  # best cells of a row that is a mean of several


SCALES = {
    "laptop": Sizes(24, 128, 2000, 1, 8, 32, 4, 3, True, 8, 10),
    "smoke": Sizes(2, 2, 100, 0, 1, 2, 1, 1, False, 2, 2),
}


class Row(NamedTuple):
    """A row of the table."""

    cell: str  # the published cell's name, or the name of the search that finds it
    cutout: bool = False
    wide: bool = False  # with 4F


class Training(NamedTuple):
    """What is trained with each seed."""

    genotype: str
    cutout: bool
    wide: bool


class Answer(NamedTuple):
    """What a search found."""

    cells: list[str]  # one, or several whose errors are averaged, best first
    seconds: float
    space: str  # as the table shows it


PUBLISHED_ROWS = {
    "nasnet_a": Row("nasnet_a"),
    "amoebanet_b_cutout": Row("amoebanet_b", cutout=True),
    "darts_v2_cutout": Row("darts_v2", cutout=True),
    "naonet_cutout": Row("naonet", cutout=True),
    "naonet_ws": Row("naonet_ws"),
    "naonet_ws_cutout": Row("naonet_ws", cutout=True),
    "enas": Row("enas"),
    "enas_cutout": Row("enas", cutout=True),
}
# The methods that are no proposers, and have no row of the literature.
_OTHERS = ("pool", "enas", "darts", "second_order", "gdas")
_CONTROLS = ("params", "params_5_ops", "params_201")
SEARCHED_ROWS = {
    "rs_real": Row("real"),
    "rs_gtn": Row("gtn"),
    "rs_real_cutout": Row("real", cutout=True),
    "rs_gtn_cutout": Row("gtn", cutout=True),
    "rs_real_cutout_4f": Row("real", cutout=True, wide=True),
    "rs_gtn_cutout_4f": Row("gtn", cutout=True, wide=True),
    "random_ws": Row("supernet"),
    "ghn_top": Row("ghn_top"),
    "ghn_top_best_cutout": Row("ghn_top_best", cutout=True),
    **{f"search_{name}": Row(name) for name in (*PROPOSERS, *_OTHERS)},
    **{name: Row(name) for name in _CONTROLS},
}
ROWS = {**SEARCHED_ROWS, **PUBLISHED_ROWS}


def trainings(key: str, answers: Mapping[str, Answer]) -> list[Training]:
    """The trainings of a row, whose errors are averaged.

    Args:
        key: The row.
        answers: Of the searches so far, by name. Without that of the row, there are no
            trainings.
    """
    row = ROWS[key]
    if key in PUBLISHED_ROWS:
        cells = [row.cell]
    else:
        cells = answers[row.cell].cells if row.cell in answers else []
    return [Training(cell, row.cutout, row.wide) for cell in cells]


def folders(answers: Mapping[str, Answer]) -> dict[Training, str]:
    """The folder of each training, that of the first row that has it.

    Two searches may find the same cell, which is trained once.

    Args:
        answers: As for `trainings`.
    """
    found: dict[Training, str] = {}
    for key in ROWS:
        every = trainings(key, answers)
        for place, one in enumerate(every, start=1):
            found.setdefault(one, f"{key}_{place}" if len(every) > 1 else key)
    return found


def at_full_size(key: str, every: list[Training]) -> dict[str, Any]:
    """The parameters at the published size, or the usual one for a found cell.

    Args:
        key: The row.
        every: Its trainings; the parameters are the mean over them.
    """
    cells, filters, layout = _full_size(key, every[0])
    counts = [
        count_network(
            read_genotype(one.genotype).genotype,
            *((32, 32, 3), 10, cells, filters),
            layout=layout,
        ).params
        for one in every
    ]
    return {
        "full_size": f"N={cells} F={filters}",
        "full_params": round(np.mean(counts)),
    }


def _full_size(key: str, training: Training) -> tuple[int, int, str]:
    """N, F and the layout."""
    if key in PUBLISHED_ROWS:
        one = PUBLISHED[training.genotype]
        return one.cells, one.filters, one.layout
    if isinstance(read_genotype(training.genotype).genotype, Genotype201):
        return 5, 16, "nao"  # the benchmark's, whose networks have no other layout
    return 6, 128 if training.wide else 36, "nao"
