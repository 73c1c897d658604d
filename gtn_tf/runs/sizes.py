"""Sizes of architectures for CIFAR-10, at any depth and width."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gtn_tf.cells import PUBLISHED, Genotype, cell_network
from gtn_tf.search import ScoringData, make_scorer
from gtn_tf.search.scoring import without_retracing_warnings

_IMAGE, _CLASSES = (32, 32, 3), 10  # all were published for CIFAR-10


class Sizes(NamedTuple):
    """A published architecture and what this code counts."""

    name: str
    layout: str
    params: int
    flops: int
    published_params: int


def network_sizes(
    genotype: Genotype, cells: int, filters: int, layout: str = "nao"
) -> tuple[int, int]:
    """Builds a network for CIFAR-10 and counts it.

    Args:
        genotype: Its cells.
        cells: N.
        filters: F.
        layout: As for `cell_network`.

    Returns:
        The parameters that are trained, without an auxiliary head, and the
        floating-point operations for an image, of which a multiplication and an
        addition are two.

    Example:

    >>> from gtn_tf.cells import PUBLISHED
    >>> network_sizes(PUBLISHED["enas"].genotype, cells=0, filters=1, layout="enas")[0]
    2009
    """
    model = cell_network(genotype, _IMAGE, _CLASSES, cells, filters, layout=layout)
    blank = ScoringData((np.zeros([1, *_IMAGE], np.float32), np.zeros([1], np.int32)))
    with without_retracing_warnings():  # each is another network
        params, flops = (
            int(make_scorer(scorer)(lambda: model, blank, 0))
            for scorer in ("params", "flops")
        )
    return params, flops


def published_sizes() -> Iterator[Sizes]:
    """Counts each published network, one after the other, as `network_sizes` does."""
    for name, one in PUBLISHED.items():
        counts = network_sizes(one.genotype, one.cells, one.filters, one.layout)
        layout = f"{one.layout} N={one.cells} F={one.filters}"
        yield Sizes(name, layout, *counts, int(one.params))
