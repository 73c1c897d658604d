"""From a genotype to a Keras model: the stack of cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gtn_tf.cells.composed import Blocks, Paths, Tensor
from gtn_tf.cells.genotype import Cell, Genotype
from gtn_tf.cells.layouts import Layout
from gtn_tf.names import BLOCKS, LAYOUTS

if TYPE_CHECKING:
    import tensorflow as tf

STEM = 3  # times F channels


def cell_network(
    genotype: Genotype,
    image_shape: tuple[int, int, int],
    num_classes: int,
    cells: int = 6,
    filters: int = 36,
    kind: str = "training",
    layout: str = "nao",
    dropout: float = 0.0,
    drop_path: float = 0.0,
    steps: int = 1,
    auxiliary: bool = False,
    seed: int = 0,
) -> tf.keras.Model:
    """Stacks the two cells of a genotype (Luo et al. 2018, section 4).

    A 3x3 convolution, then N normal cells, a reduction cell, N normal cells, a
    reduction cell and N normal cells; each reduction doubles the channels. Each cell
    reads the outputs of the two before it.

    Args:
        genotype: The cells.
        image_shape: `(height, width, channels)` of an image, any size.
        num_classes: Number of logits.
        cells: N, normal cells in each of the three stages.
        filters: F, channels of the first cells.
        kind: `"training"` for ReLU and Keras' `BatchNormalization`, or
            `"evaluation"` for the layers of the paper's learners.
        layout: How the inputs of a cell are calibrated: `"nao"`, `"enas"`,
            `"nasnet"`, `"amoebanet"`, which has operations of its own, or `"darts"`.
        dropout: Share of the pooled features dropped in training.
        drop_path: Share of the paths in the last cell dropped at the end of training;
            earlier cells and steps have less, in proportion (Zoph et al. 2018).
            Identities are never dropped.
        steps: Number of training steps, for `drop_path`.
        auxiliary: Whether a second output gives the logits of an auxiliary head
            behind the second reduction cell, for training alone.
        seed: Of `dropout` and `drop_path`.

    Returns:
        A Keras model from images `[batch, h, w, c]` to logits `[batch, num_classes]`,
        or to a dictionary of two, `logits` and `auxiliary`.

    Example:

    >>> genotype = Genotype.from_integers([0, 6, 1, 5] * 10)
    >>> cell_network(genotype, (8, 8, 1), 10, cells=1, filters=2).output_shape
    (None, 10)
    """
    from gtn_tf.cells.drops import Drops  # needs TensorFlow; counting does not
    from gtn_tf.cells.heads import classifier

    blocks = BLOCKS.load(kind)
    inputs = blocks.input(image_shape)
    drops = Drops(inputs, 3 * cells + 2, dropout, drop_path, steps, seed)
    x, reduced = stack_cells(
        genotype, inputs, cells, filters, blocks, layout, drops.paths
    )
    middle = reduced if auxiliary else None
    return classifier(inputs, x, num_classes, blocks, drops, middle)


def stack_cells(
    genotype: Genotype,
    inputs: Tensor,
    cells: int,
    filters: int,
    blocks: Blocks,
    layout: str,
    paths: Callable[[int], Paths],
) -> tuple[Tensor, Tensor]:
    """A network without its head.

    Args:
        genotype: The cells.
        inputs: Images of the network.
        cells: N.
        filters: F.
        blocks: Makes the layers.
        layout: As for `cell_network`.
        paths: Returns the drop path of a cell's paths, by its number from 1.

    Returns:
        The features before the head's activation, and those behind the second
        reduction cell.
    """
    calibration = LAYOUTS.load(layout)
    stem = blocks.norm(blocks.conv(inputs, STEM * filters, 3))
    before, x, number = stem, stem, 0
    for stage in range(3):
        stack = [genotype.normal] * cells
        if stage > 0:
            stack = [genotype.reduction, *stack]
        for place, cell in enumerate(stack):
            number += 1
            width = filters * 2**stage
            builder = _Builder(width, blocks, calibration, paths(number))
            stride = 2 if stage > 0 and place == 0 else 1
            before, x = x, builder.cell(cell, before, x, stride)
            if stage == 2 and place == 0:
                reduced = x
    return x, reduced


@dataclass
class _Builder:
    """Builds cells of one width."""

    filters: int
    blocks: Blocks
    layout: Layout
    paths: Paths

    def cell(self, cell: Cell, before: Tensor, previous: Tensor, stride: int) -> Tensor:
        states = self.layout.calibrate(before, previous, self.filters, self.blocks)
        for node in cell.nodes:
            pair = (node.input_a, node.op_a), (node.input_b, node.op_b)
            # Only operations on a cell's inputs have the stride: nodes are smaller.
            a, b = (self._path(op, states[i], stride if i < 2 else 1) for i, op in pair)
            states.append(self.blocks.add([a, b]))
        size = states[-1].shape[1:3]  # of every node
        ends = [states[i] for i in cell.ends]
        ends = [
            end
            if end.shape[1:3] == size
            else self.blocks.factorized_reduce(end, self.filters)
            for end in ends
        ]
        return ends[0] if len(ends) == 1 else self.blocks.concatenate(ends)

    def _path(self, op: str, x: Tensor, stride: int) -> Tensor:
        x = self.layout.operation(op, x, self.filters, stride, self.blocks)
        return x if op == "identity" and stride == 1 else self.paths(x)
