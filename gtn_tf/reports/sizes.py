"""Sizes of architectures for CIFAR-10, at any depth and width."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gtn_tf.cells import (
    PUBLISHED,
    AnyGenotype,
    Genotype201,
    Written,
    cell_network,
    network_201,
)
from gtn_tf.search import Candidate, ScoringData, make_scorer
from gtn_tf.search.scorers import without_retracing_warnings

_IMAGE, _CLASSES = (32, 32, 3), 10  # all were published for CIFAR-10
# What `genotypes --count --format csv` prints; tests compare.
_COUNTED = Path(__file__).with_name("sizes.csv")


class Sizes(NamedTuple):
    """An architecture and what this code counts."""

    name: str
    layout: str
    params: int
    flops: int
    published_params: int | None = None


def network_sizes(
    genotype: AnyGenotype, cells: int, filters: int, layout: str = "nao"
) -> tuple[int, int]:
    """Builds a network for CIFAR-10 and counts it.

    Args:
        genotype: Its cells.
        cells: N.
        filters: F.
        layout: As for `cell_network`; a cell of NAS-Bench-201 has none.

    Returns:
        The parameters that are trained, without an auxiliary head, and the
        floating-point operations for an image, of which a multiplication and an
        addition are two.

    Example:

    >>> from gtn_tf.cells import PUBLISHED
    >>> network_sizes(PUBLISHED["enas"].genotype, cells=0, filters=1, layout="enas")[0]
    2009
    """
    size = _IMAGE, _CLASSES, cells, filters
    if isinstance(genotype, Genotype201):
        model = network_201(genotype, *size)
    else:
        model = cell_network(genotype, *size, layout=layout)
    blank = ScoringData((np.zeros([1, *_IMAGE], np.float32), np.zeros([1], np.int32)))
    with without_retracing_warnings():  # each is another network
        params, flops = (
            int(make_scorer(scorer)(Candidate(lambda: model), blank, 0))
            for scorer in ("params", "flops")
        )
    return params, flops


def published_sizes() -> list[Sizes]:
    """What `count_published` counted when its table was written."""
    with _COUNTED.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    numbers = Sizes._fields[2:]
    return [
        Sizes(row["name"], row["layout"], *(int(row[n]) for n in numbers))
        for row in rows
    ]


def count_published(names: Sequence[str] = tuple(PUBLISHED)) -> Iterator[Sizes]:
    """Counts published networks, one after the other, as `network_sizes` does.

    Args:
        names: Of `PUBLISHED`.
    """
    for name in names:
        one = PUBLISHED[name]
        counts = network_sizes(one.genotype, one.cells, one.filters, one.layout)
        layout = f"{one.layout} N={one.cells} F={one.filters}"
        yield Sizes(name, layout, *counts, int(one.params))


def count_written(written: Sequence[Written]) -> Iterator[Sizes]:
    """Counts genotypes of a file, each at the usual size of its space.

    Args:
        written: What `gtn_tf.cells.read_genotypes` gave.
    """
    for name, one in zip(names_of(written), written):
        in_201 = isinstance(one.genotype, Genotype201)
        cells, filters = (5, 16) if in_201 else (6, 36)
        counts = network_sizes(one.genotype, cells, filters, one.layout)
        layout = one.layout or "nas_bench_201"
        yield Sizes(name, f"{layout} N={cells} F={filters}", *counts)


def names_of(written: Sequence[Written]) -> list[str]:
    """Names genotypes: as they were, with the digest where that is not enough.

    Args:
        written: What `gtn_tf.cells.read_genotypes` gave.
    """
    times = Counter(one.name for one in written)
    return [
        one.name
        if one.name and times[one.name] == 1
        else "_".join(filter(None, (one.name, one.genotype.digest)))
        for one in written
    ]
