"""Sizes of architectures for CIFAR-10, at their usual depth and width."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from gtn_tf.cells import PUBLISHED, Genotype201, Written, count_network

_CIFAR10 = (32, 32, 3), 10  # all were published for it


class Sizes(NamedTuple):
    """An architecture and its counted size."""

    name: str
    layout: str
    params: int
    flops: int
    published_params: int | None = None


def published_sizes() -> list[Sizes]:
    """The published networks, each at its published depth and width.

    Example:

    >>> published_sizes()[0].params
    3328234
    """
    return [
        Sizes(
            name,
            f"{one.layout} N={one.cells} F={one.filters}",
            *count_network(
                one.genotype, *_CIFAR10, one.cells, one.filters, layout=one.layout
            ),
            int(one.params),
        )
        for name, one in PUBLISHED.items()
    ]


def sizes_of(written: Sequence[Written]) -> list[Sizes]:
    """Genotypes of a file, each at the usual size of its space.

    Args:
        written: From `gtn_tf.cells.read_genotypes`.
    """
    found = []
    for name, one in zip(names_of(written), written):
        in_201 = isinstance(one.genotype, Genotype201)
        cells, filters = (5, 16) if in_201 else (6, 36)
        counts = count_network(
            one.genotype, *_CIFAR10, cells, filters, layout=one.layout
        )
        layout = one.layout or "nas_bench_201"
        found.append(Sizes(name, f"{layout} N={cells} F={filters}", *counts))
    return found


def names_of(written: Sequence[Written]) -> list[str]:
    """Names genotypes: as in the file, with the digest where that is ambiguous.

    Args:
        written: From `gtn_tf.cells.read_genotypes`.
    """
    times = Counter(one.name for one in written)
    return [
        one.name
        if one.name and times[one.name] == 1
        else "_".join(filter(None, (one.name, one.genotype.digest)))
        for one in written
    ]
