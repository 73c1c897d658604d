"""Cells from the literature, each with the layout of its own network.

Inputs are numbered as in `Cell`: 0 is two cells back, 1 the previous cell.
"""

from __future__ import annotations

from dataclasses import dataclass

from gtn_tf.cells.genotype import Genotype


@dataclass(frozen=True)
class Published:
    """A published architecture for CIFAR-10.

    Args:
        text: The genotype, as `Genotype.parse` reads it.
        layout: How its network calibrates the inputs of cells; see `cell_network`.
        cells: N of the published network.
        filters: F of the published network.
        params: Its published number of parameters.
        source: Where it was published.
        note: Why its number of parameters differs here, if known.
    """

    text: str
    layout: str
    cells: int
    filters: int
    params: float
    source: str
    note: str = ""

    @property
    def genotype(self) -> Genotype:
        """The cells."""
        return Genotype.parse(self.text)


PUBLISHED: dict[str, Published] = {
    "nasnet_a": Published(
        # As in its authors' code, the normal cell's output has one of its inputs, and
        # the reduction cell's a node that another one reads.
        "sep_conv_5x5@1 sep_conv_3x3@0; sep_conv_5x5@0 sep_conv_3x3@0; "
        "avg_pool_3x3@1 identity@0; avg_pool_3x3@0 avg_pool_3x3@0; "
        "sep_conv_3x3@1 identity@1 -> 0 2 3 4 5 6 | "
        "sep_conv_5x5@1 sep_conv_7x7@0; max_pool_3x3@1 sep_conv_7x7@0; "
        "avg_pool_3x3@1 sep_conv_5x5@0; identity@3 avg_pool_3x3@2; "
        "sep_conv_3x3@2 max_pool_3x3@1 -> 3 4 5 6",
        "nasnet",
        6,
        32,
        3.3e6,
        "Zoph et al. 2018, arXiv 1707.07012",
        "its authors' first cell reads the stem as it is, by 18304 more",
    ),
    "amoebanet_a": Published(
        "avg_pool_3x3@0 max_pool_3x3@0; sep_conv_5x5@2 sep_conv_3x3@0; "
        "avg_pool_3x3@3 sep_conv_3x3@0; sep_conv_3x3@1 identity@1; "
        "avg_pool_3x3@1 identity@0 | "
        "avg_pool_3x3@0 sep_conv_3x3@1; max_pool_3x3@0 sep_conv_7x7@2; "
        "sep_conv_7x7@0 avg_pool_3x3@1; max_pool_3x3@1 max_pool_3x3@0; "
        "sep_conv_3x3@5 conv_1x7_7x1@0",
        "nasnet",
        6,
        36,
        3.2e6,
        "Real et al. 2019, arXiv 1802.01548",
        "cells as NAO's authors transcribed them",
    ),
    "amoebanet_b": Published(
        # dil_sep_conv_5x5 is dilated, as its name says; not in its authors' code.
        "conv_1x1@0 max_pool_3x3@0; identity@0 sep_conv_3x3@1; "
        "conv_1x1@0 sep_conv_3x3@1; conv_1x1@2 identity@2; "
        "avg_pool_3x3@0 conv_1x1@5 -> 1 3 4 6 | "
        "max_pool_2x2@1 max_pool_3x3@1; identity@2 conv_3x3@0; "
        "dil_sep_conv_5x5@2 max_pool_3x3@2; identity@3 sep_conv_3x3@0; "
        "avg_pool_3x3@4 conv_1x1@3",
        "amoebanet",
        6,
        128,
        34.9e6,
        "Real et al. 2019, arXiv 1802.01548",
    ),
    "darts_v1": Published(
        "sep_conv_3x3@1 sep_conv_3x3@0; identity@0 sep_conv_3x3@1; "
        "identity@0 sep_conv_3x3@1; sep_conv_3x3@0 identity@2 -> 2 3 4 5 | "
        "max_pool_3x3@0 max_pool_3x3@1; identity@2 max_pool_3x3@0; "
        "max_pool_3x3@0 identity@2; identity@2 avg_pool_3x3@0 -> 2 3 4 5",
        "darts",
        6,
        36,
        3.3e6,
        "Liu et al. 2019, arXiv 1806.09055",
        "the first-order cells of an early version; 3.3M is that of the final ones",
    ),
    "darts_v2": Published(
        "sep_conv_3x3@0 sep_conv_3x3@1; sep_conv_3x3@0 sep_conv_3x3@1; "
        "sep_conv_3x3@1 identity@0; identity@0 dil_conv_3x3@2 -> 2 3 4 5 | "
        "max_pool_3x3@0 max_pool_3x3@1; identity@2 max_pool_3x3@1; "
        "max_pool_3x3@0 identity@2; identity@2 max_pool_3x3@1 -> 2 3 4 5",
        "darts",
        6,
        36,
        3.3e6,
        "Liu et al. 2019, arXiv 1806.09055",
        "the GTN authors' table gives 4.6M, which is not the size of its network",
    ),
    "enas": Published(
        "0 2 0 0 0 4 0 1 0 4 1 1 1 0 0 1 0 2 1 1 "
        "1 0 1 0 0 3 0 2 1 1 3 1 1 0 0 4 0 3 1 1",
        "enas",
        6,
        36,
        4.6e6,
        "Pham et al. 2018, arXiv 1802.03268",
    ),
    "naonet": Published(
        "0 7 1 15 2 8 1 7 0 6 1 7 0 8 4 7 1 5 0 7 "
        "0 7 1 13 0 6 0 14 0 9 1 10 0 14 2 6 1 11 0 7",
        "nao",
        6,
        36,
        10.6e6,
        "Luo et al. 2018, arXiv 1808.07233",
        "the cause is not known; its authors' code gives 11.5M, too",
    ),
    "naonet_b": Published(
        "0 1 0 2 0 1 2 2 1 3 0 2 4 0 1 3 2 1 0 3 "
        "1 1 1 0 2 1 2 4 1 0 2 3 3 1 2 2 0 2 0 2",
        "nao",
        5,
        36,
        2.5e6,
        "Luo et al. 2018, arXiv 1808.07233",
    ),
    "naonet_ws": Published(
        "0 1 0 4 2 2 1 3 1 0 2 0 2 3 1 3 1 2 0 4 "
        "1 1 0 3 2 3 2 3 1 0 0 1 0 4 2 4 2 3 2 3",
        "enas",
        5,
        36,
        2.5e6,
        "Luo et al. 2018, arXiv 1808.07233",
    ),
}
