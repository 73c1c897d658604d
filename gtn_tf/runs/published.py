"""Sizes of the published architectures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gtn_tf.cells import PUBLISHED, cell_network
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


def published_sizes() -> Iterator[Sizes]:
    """Builds each published network and counts it, one after the other.

    Parameters are those that are trained, without an auxiliary head. A multiplication
    and an addition are two floating-point operations.
    """
    blank = ScoringData((np.zeros([1, *_IMAGE], np.float32), np.zeros([1], np.int32)))
    for name, one in PUBLISHED.items():
        model = cell_network(
            one.genotype, _IMAGE, _CLASSES, one.cells, one.filters, layout=one.layout
        )
        with without_retracing_warnings():  # each is another network
            params, flops = (
                int(make_scorer(scorer)(lambda: model, blank, 0))
                for scorer in ("params", "flops")
            )
        layout = f"{one.layout} N={one.cells} F={one.filters}"
        yield Sizes(name, layout, params, flops, int(one.params))
