"""Learners stacked from cells, such as a search ranks (paper, section 3.4)."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from gtn_tf.cells import Genotype, Genotype201, cell_network, network_201
from gtn_tf.errors import ArgumentError
from gtn_tf.learners.learners import Learners, check_pool

_SPACES = ("nao", "nas_bench_201")


class CellLearners(Learners):
    """Networks of random cells with the layers of the paper's learners.

    Each has weight normalization, full batch norm and LeakyReLU.

    Args:
        space: `"nao"`, whose 11 operations are drawn uniformly, or
            `"nas_bench_201"`.
        cells: N, cells in each of the three parts of a network.
        filters: F, channels of the first part.
        pool: Networks drawn.
        seed: Integer that the genotypes are drawn from.

    Raises:
        ValueError: If a setting is out of its range.

    Example:

    >>> learners = CellLearners("nas_bench_201", cells=1, filters=4, pool=2)
    >>> [model.output_shape for model in learners.build((8, 8, 1), 10)]
    [(None, 10), (None, 10)]
    """

    def __init__(
        self,
        space: str = "nao",
        cells: int = 1,
        filters: int = 8,
        pool: int = 1,
        seed: int = 0,
    ) -> None:
        if space not in _SPACES:
            raise ArgumentError(
                f"space: expected one of {', '.join(_SPACES)}, received {space!r}"
            )
        check_pool(pool)
        self.space = space
        self.cells = cells
        self.filters = filters
        self.pool = pool
        self.seed = seed

    def build(
        self, image_shape: tuple[int, int, int], num_classes: int
    ) -> list[tf.keras.Model]:
        rng = np.random.default_rng(self.seed)
        size = self.cells, self.filters, "evaluation"
        if self.space == "nao":
            drawn = [Genotype.sample(rng) for _ in range(self.pool)]
            return [cell_network(g, image_shape, num_classes, *size) for g in drawn]
        drawn_201 = [Genotype201.sample(rng) for _ in range(self.pool)]
        return [network_201(g, image_shape, num_classes, *size) for g in drawn_201]
