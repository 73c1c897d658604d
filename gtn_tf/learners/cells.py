"""Learners stacked from cells, as in a search (paper, section 3.4)."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from gtn_tf.errors import ArgumentError, not_one_of
from gtn_tf.learners.learners import DrawnLearners
from gtn_tf.names import SPACES


@dataclasses.dataclass(frozen=True, eq=False)
class CellLearners(DrawnLearners):
    """Networks of random cells with the layers of the paper's learners.

    Each has weight normalization, full batch norm and LeakyReLU.

    Args:
        space: `"nao"`, whose 11 operations are drawn uniformly, or
            `"nas_bench_201"`.
        cells: N, cells in each of the three stages of a network.
        filters: F, channels of the first stage.
        pool: Networks drawn.
        seed: Integer that the genotypes are drawn from.

    Raises:
        ValueError: If a setting is out of its range.

    Example:

    >>> learners = CellLearners("nas_bench_201", cells=1, filters=4, pool=2)
    >>> [model.output_shape for model in learners.build((8, 8, 1), 10)]
    [(None, 10), (None, 10)]
    """

    space: str = "nao"
    cells: int = 1
    filters: int = 8
    pool: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.space not in SPACES:
            raise ArgumentError(not_one_of("space", self.space, SPACES))
        super().__post_init__()

    def build(
        self, image_shape: tuple[int, int, int], num_classes: int
    ) -> list[tf.keras.Model]:
        rng, space = np.random.default_rng(self.seed), SPACES.load(self.space)
        size = image_shape, num_classes, self.cells, self.filters, "evaluation"
        drawn = [space.genotype.sample(rng) for _ in range(self.pool)]
        return [space.network(genotype, *size) for genotype in drawn]
