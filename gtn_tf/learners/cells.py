"""Learners stacked from cells, as in a search (paper, section 3.4)."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from gtn_tf.errors import ArgumentError, not_one_of
from gtn_tf.learners.learners import Learners, expect_count
from gtn_tf.names import ALL, SPACES
from gtn_tf.shapes import expect_pictures
from gtn_tf.supernet import SuperNetwork


@dataclasses.dataclass(frozen=True, eq=False)
class CellLearners(Learners):
    """Networks of random cells with the layers of the paper's learners.

    Each has weight normalization, full batch norm and LeakyReLU.

    Args:
        space: `"nao"`, whose 11 operations are drawn uniformly, or
            `"nas_bench_201"`.
        cells: N, cells in each of the three stages of a network.
        filters: F, channels of the first stage.
        architectures: How many are drawn in advance, each a network of its own; or
            `"all"`: a new one for every learner. Those that are held out (see
            `SuperNetwork.draw`) are then never meta-trained on.
        seed: Integer that those drawn in advance come from.

    Raises:
        ValueError: If a setting is out of its range.

    Example:

    >>> learners = CellLearners("nas_bench_201", cells=1, filters=4, architectures=2)
    >>> [model.output_shape for model in learners.build((8, 8, 1), 10)]
    [(None, 10), (None, 10)]
    >>> every = CellLearners("nas_bench_201", filters=4, architectures="all")
    >>> len(every.build((8, 8, 1), 10))
    1
    """

    space: str = "nao"
    cells: int = 1
    filters: int = 8
    architectures: int | str = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.space not in SPACES:
            raise ArgumentError(not_one_of("space", self.space, SPACES))
        if self.architectures != ALL:
            expect_count(self.architectures)

    def build(self, image_shape: tuple[int, ...], num_classes: int) -> list[Any]:
        shape = expect_pictures(image_shape, "CellLearners", "MLPLearners take a table")
        size = shape, num_classes, self.cells, self.filters, "evaluation"
        if self.architectures == ALL:
            return [SuperNetwork(self.space, *size)]
        rng, space = np.random.default_rng(self.seed), SPACES.load(self.space)
        drawn = [space.genotype.sample(rng) for _ in range(int(self.architectures))]
        return [space.network(genotype, *size) for genotype in drawn]
