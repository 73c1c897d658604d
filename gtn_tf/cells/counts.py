"""The size of a network of cells, without building it and without TensorFlow."""

from __future__ import annotations

from typing import NamedTuple

from gtn_tf.cells.composed import Paths
from gtn_tf.cells.counting import Counted, EvaluationCounts, TrainingCounts
from gtn_tf.cells.nas_bench_201 import Genotype201, stack_cells_201
from gtn_tf.cells.network import stack_cells
from gtn_tf.cells.reading import AnyGenotype
from gtn_tf.errors import ArgumentError, not_one_of

# Counts the layers of each of `gtn_tf.names.BLOCKS`.
KINDS = {"training": TrainingCounts(), "evaluation": EvaluationCounts()}


class Counts(NamedTuple):
    """The size of a network."""

    params: int  # trainable weights
    flops: int  # floating-point operations for an image


def count_network(
    genotype: AnyGenotype,
    image_shape: tuple[int, int, int],
    num_classes: int,
    cells: int,
    filters: int,
    kind: str = "training",
    layout: str = "nao",
) -> Counts:
    """Counts what `cell_network` or `network_201` would build, in milliseconds.

    Operations are counted as TensorFlow's profiler does; an auxiliary head, only used
    in training, is not.

    Args:
        genotype: The cells.
        image_shape: `(height, width, channels)` of an image.
        num_classes: Number of logits.
        cells: N.
        filters: F.
        kind: As for `cell_network`.
        layout: As for `cell_network`; a cell of NAS-Bench-201 has none.

    Raises:
        ArgumentError: If there is no such kind or layout.

    Example:

    >>> count_network(Genotype201(["nor_conv_3x3"] * 6), (32, 32, 3), 10, 5, 16).params
    1531546
    """
    if kind not in KINDS:
        raise ArgumentError(not_one_of("blocks", kind, KINDS))
    blocks = KINDS[kind]
    size = blocks.input(image_shape), cells, filters, blocks
    if isinstance(genotype, Genotype201):
        features, _ = stack_cells_201(genotype, *size, _nothing_dropped)
    else:
        features, _ = stack_cells(genotype, *size, layout, _nothing_dropped)
    return _total(blocks.dense(blocks.pooled_features(features), num_classes))


def _nothing_dropped(cell: int) -> Paths:
    return lambda x: x


def _total(end: Counted) -> Counts:
    """Sums over what the end depends on: nothing may read some nodes."""
    seen, waiting = {id(end)}, [end]
    params = flops = 0
    while waiting:
        one = waiting.pop()
        params += one.params
        flops += one.flops
        for source in one.sources:
            if id(source) not in seen:
                seen.add(id(source))
                waiting.append(source)
    return Counts(params, flops)
