"""The cell space of NAS-Bench-201 (Dong & Yang 2020, arXiv 2001.00326)."""

from __future__ import annotations

import csv
import hashlib
import itertools
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gtn_tf.cells.composed import Blocks, Paths, Tensor
from gtn_tf.cells.errors import GenotypeError, check_length
from gtn_tf.errors import shown
from gtn_tf.names import BLOCKS

if TYPE_CHECKING:
    import tensorflow as tf

OPS_201 = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))  # to a node, from a node

_WRITTEN = re.compile(
    r"\+".join(
        "".join(rf"\|(\w+)~{source}" for to, source in EDGES if to == node) + r"\|"
        for node in (1, 2, 3)
    )
)


@dataclass(frozen=True)
class Genotype201:
    """An architecture of NAS-Bench-201: an operation on each edge of four nodes.

    Args:
        ops: One for each of `EDGES`, in their order.

    Raises:
        GenotypeError: If they are not six of `OPS_201`.

    Example:

    >>> print(Genotype201(["nor_conv_3x3"] * 3 + ["none"] * 2 + ["skip_connect"]))
    |nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|none~0|none~1|skip_connect~2|
    """

    ops: tuple[str, ...]

    def __post_init__(self) -> None:
        ops = tuple(self.ops)
        wrong = [op for op in ops if op not in OPS_201]
        if len(ops) != len(EDGES) or wrong:
            raise GenotypeError(
                f"expected {len(EDGES)} operations of {', '.join(OPS_201)}, received "
                f"{shown(', '.join(map(str, wrong or ops)))}"
            )
        object.__setattr__(self, "ops", ops)  # the class is frozen

    @classmethod
    def parse(cls, text: str) -> Genotype201:
        """Reads the benchmark's own form, as `str` writes it.

        Args:
            text: `"|op~0|+|op~0|op~1|+|op~0|op~1|op~2|"`.

        Raises:
            GenotypeError: If it is something else.
        """
        check_length(text)
        written = _WRITTEN.fullmatch(text.strip())
        if written is None:
            raise GenotypeError(
                "expected a cell such as |op~0|+|op~0|op~1|+|op~0|op~1|op~2|, received "
                f"{shown(text.strip())}"
            )
        return cls(written.groups())

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Genotype201:
        """Draws a genotype, all operations uniform and independent.

        Args:
            rng: Source of the draw.
        """
        return cls(tuple(rng.choice(OPS_201, len(EDGES)).tolist()))

    @classmethod
    def all(cls) -> Iterator[Genotype201]:
        """All 15,625 genotypes of the space, in the order of `OPS_201`."""
        return map(cls, itertools.product(OPS_201, repeat=len(EDGES)))

    @property
    def is_connected(self) -> bool:
        """Whether the output depends on the input: `none` lets nothing through.

        Example:

        >>> Genotype201(["nor_conv_3x3"] * 3 + ["none"] * 3).is_connected
        False
        """
        reached = {0}
        for op, (to, source) in zip(self.ops, EDGES):  # by node
            if op != "none" and source in reached:
                reached.add(to)
        return 3 in reached

    @property
    def skips(self) -> int:
        """How many of `ops` are skip connections."""
        return self.ops.count("skip_connect")

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that stand for the architecture."""
        return hashlib.sha256(str(self).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        nodes = [
            "".join(
                f"|{op}~{source}"
                for op, (to, source) in zip(self.ops, EDGES)
                if to == node
            )
            for node in (1, 2, 3)
        ]
        return "+".join(f"{node}|" for node in nodes)


def network_201(
    genotype: Genotype201,
    image_shape: tuple[int, int, int],
    num_classes: int,
    cells: int = 5,
    filters: int = 16,
    kind: str = "training",
    dropout: float = 0.0,
    drop_path: float = 0.0,
    steps: int = 1,
    auxiliary: bool = False,
    seed: int = 0,
) -> tf.keras.Model:
    """Stacks cells as NAS-Bench-201 does: three stages, a residual block in between.

    The benchmark itself drops nothing and has no auxiliary head.

    Args:
        genotype: The cell.
        image_shape: `(height, width, channels)` of an image, any size.
        num_classes: Number of logits.
        cells: Cells in each stage; 5 in the benchmark.
        filters: Channels of the first stage; 16 in the benchmark.
        kind: As for `gtn_tf.cells.cell_network`.
        dropout: Share of the pooled features dropped in training.
        drop_path: Share of the edges in the last cell dropped at the end of training.
            Those of `skip_connect` are never dropped.
        steps: Number of training steps, for `drop_path`.
        auxiliary: Whether there is an auxiliary head, behind the second residual
            block.
        seed: Of `dropout` and `drop_path`.

    Returns:
        A Keras model from images `[batch, h, w, c]` to logits `[batch, num_classes]`,
        or to a dictionary of two, `logits` and `auxiliary`.

    Example:

    >>> cell = Genotype201(["nor_conv_3x3"] * 6)
    >>> network_201(cell, (8, 8, 1), 10, cells=1, filters=2).output_shape
    (None, 10)
    """
    from gtn_tf.cells.drops import Drops  # needs TensorFlow; counting does not
    from gtn_tf.cells.heads import classifier

    blocks = BLOCKS.load(kind)
    inputs = blocks.input(image_shape)
    drops = Drops(inputs, 3 * cells, dropout, drop_path, steps, seed)
    x, reduced = stack_cells_201(genotype, inputs, cells, filters, blocks, drops.paths)
    middle = reduced if auxiliary else None
    return classifier(inputs, x, num_classes, blocks, drops, middle)


def stack_cells_201(
    genotype: Genotype201,
    inputs: Tensor,
    cells: int,
    filters: int,
    blocks: Blocks,
    paths: Callable[[int], Paths],
) -> tuple[Tensor, Tensor]:
    """A network without its head.

    Args:
        genotype: The cell.
        inputs: Images of the network.
        cells: Cells in each stage.
        filters: Channels of the first stage.
        blocks: Makes the layers.
        paths: Returns the drop path of a cell's edges, by its number from 1.

    Returns:
        The features before the head's activation, and those behind the second
        residual block.
    """
    x = blocks.norm(blocks.conv(inputs, filters, 3))
    number = 0
    for stage in range(3):
        width = filters * 2**stage
        if stage > 0:
            x = reduced = residual_block(x, width, blocks)
        for _ in range(cells):
            number += 1
            x = _cell(genotype, x, width, blocks, paths(number))
    return blocks.norm(x), reduced


def _cell(
    genotype: Genotype201,
    x: Tensor,
    filters: int,
    blocks: Blocks,
    paths: Paths,
) -> Tensor:
    nodes = [x]
    for node in (1, 2, 3):
        arriving = [
            _operation(op, nodes[source], filters, blocks, paths)
            for op, (to, source) in zip(genotype.ops, EDGES)
            if to == node and op != "none"
        ]
        if not arriving:
            nodes.append(blocks.zeros(x))
        elif len(arriving) == 1:
            nodes.append(arriving[0])
        else:
            nodes.append(blocks.add(arriving))
    return nodes[-1]


def _operation(
    op: str, x: Tensor, filters: int, blocks: Blocks, paths: Paths
) -> Tensor:
    if op == "skip_connect":
        return x
    if op == "avg_pool_3x3":
        return paths(blocks.average_pool(x, 3, 1))
    return paths(blocks.conv_norm(x, filters, 1 if op == "nor_conv_1x1" else 3))


def residual_block(x: Tensor, filters: int, blocks: Blocks) -> Tensor:
    y = blocks.conv_norm(blocks.conv_norm(x, filters, 3, 2), filters, 3)
    smaller = blocks.halve(x)
    return blocks.add([blocks.conv(smaller, filters, 1), y])


def read_table(path: str | os.PathLike[str]) -> dict[str, dict[str, float]]:
    """Reads published accuracies of the benchmark from a CSV file.

    Args:
        path: A table with a column `arch` and columns of numbers, such as
            `cifar10_test200`, test accuracy in percent after 200 epochs.

    Returns:
        For each architecture, its row.

    Raises:
        GenotypeError: If it is not such a table.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            return {
                row.pop("arch"): {name: float(value) for name, value in row.items()}
                for row in csv.DictReader(file)
            }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GenotypeError(
            f"{path}: expected a CSV table with a column arch and numbers beside it "
            f"({error})"
        ) from None
