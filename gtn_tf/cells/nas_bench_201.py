"""The cell space of NAS-Bench-201 (Dong & Yang 2020, arXiv 2001.00326)."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from gtn_tf.cells.blocks import BLOCKS, TrainingBlocks
from gtn_tf.cells.genotype import GenotypeError

layers = tf.keras.layers

OPS_201 = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))  # to a node, from a node


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
        if len(ops) != len(EDGES) or not {*ops} <= {*OPS_201}:
            raise GenotypeError(
                f"expected {len(EDGES)} operations of {', '.join(OPS_201)}, received "
                f"{', '.join(map(str, ops))}"
            )
        object.__setattr__(self, "ops", ops)  # the way of frozen classes

    @classmethod
    def parse(cls, text: str) -> Genotype201:
        """Reads the benchmark's own form, which `str` gives.

        Args:
            text: `"|op~0|+|op~0|op~1|+|op~0|op~1|op~2|"`.

        Raises:
            GenotypeError: If it is something else.
        """
        pairs = re.findall(r"(\w+)~(\d)", text)
        read = tuple(int(source) for _, source in pairs)
        if read != tuple(source for _, source in EDGES):
            raise GenotypeError(
                "expected a cell such as |op~0|+|op~0|op~1|+|op~0|op~1|op~2|, received "
                f"{text.strip()!r}"
            )
        return cls(tuple(op for op, _ in pairs))

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Genotype201:
        """Draws a genotype, all operations uniform and independent.

        Args:
            rng: Source of the draw.
        """
        return cls(tuple(rng.choice(OPS_201, len(EDGES)).tolist()))

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
) -> tf.keras.Model:
    """Stacks cells as NAS-Bench-201 does: three parts, a residual block in between.

    Args:
        genotype: The cell.
        image_shape: `(height, width, channels)` of an image, any size.
        num_classes: Number of logits.
        cells: Cells in each part; 5 in the benchmark.
        filters: Channels of the first part; 16 in the benchmark.
        kind: As for `gtn_tf.cells.cell_network`.

    Returns:
        A Keras model from images `[batch, h, w, c]` to logits `[batch, num_classes]`.

    Example:

    >>> cell = Genotype201(["nor_conv_3x3"] * 6)
    >>> network_201(cell, (8, 8, 1), 10, cells=1, filters=2).output_shape
    (None, 10)
    """
    blocks = BLOCKS[kind]
    inputs = layers.Input(image_shape)
    x = blocks.norm(blocks.conv(inputs, filters, 3))
    for part in range(3):
        width = filters * 2**part
        if part > 0:
            x = _residual(x, width, blocks)
        for _ in range(cells):
            x = _cell(genotype, x, width, blocks)
    x = blocks.activation(blocks.norm(x))
    x = layers.GlobalAveragePooling2D()(x)
    return tf.keras.Model(inputs, blocks.dense(x, num_classes))


def _cell(
    genotype: Genotype201, x: tf.Tensor, filters: int, blocks: TrainingBlocks
) -> tf.Tensor:
    nodes = [x]
    for node in (1, 2, 3):
        arriving = [
            _operation(op, nodes[source], filters, blocks)
            for op, (to, source) in zip(genotype.ops, EDGES)
            if to == node and op != "none"
        ]
        if not arriving:
            nodes.append(layers.Rescaling(0.0)(x))  # zeros, of the same shape
        elif len(arriving) == 1:
            nodes.append(arriving[0])
        else:
            nodes.append(layers.Add()(arriving))
    return nodes[-1]


def _operation(
    op: str, x: tf.Tensor, filters: int, blocks: TrainingBlocks
) -> tf.Tensor:
    if op == "skip_connect":
        return x
    if op == "avg_pool_3x3":
        return blocks.average_pool(x, 3, 1)
    return blocks.conv_norm(x, filters, 1 if op == "nor_conv_1x1" else 3)


def _residual(x: tf.Tensor, filters: int, blocks: TrainingBlocks) -> tf.Tensor:
    y = blocks.conv_norm(blocks.conv_norm(x, filters, 3, 2), filters, 3)
    smaller = layers.AveragePooling2D(2, 2, "same")(x)
    return layers.Add()([blocks.conv(smaller, filters, 1), y])


def read_table(path: str | os.PathLike[str]) -> dict[str, dict[str, float]]:
    """Reads published accuracies of the benchmark from a CSV file.

    Args:
        path: A table with a column `arch` and columns of numbers, such as
            `cifar10_test200`, test accuracy in percent after 200 epochs.

    Returns:
        For each architecture, its row.

    Raises:
        GenotypeError: If it is no such table.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            return {
                row.pop("arch"): {name: float(value) for name, value in row.items()}
                for row in csv.DictReader(file)
            }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GenotypeError(
            f"{path}: expected a CSV table with a column arch and numbers beside it "
            f"({error})"
        ) from None
