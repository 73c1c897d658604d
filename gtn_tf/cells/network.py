"""From a genotype to a Keras model: the stack of cells."""

from __future__ import annotations

import tensorflow as tf

from gtn_tf.cells.blocks import BLOCKS, TrainingBlocks
from gtn_tf.cells.genotype import Cell, Genotype
from gtn_tf.cells.layouts import LAYOUTS, Calibrate
from gtn_tf.cells.operations import apply_operation

layers = tf.keras.layers

_STEM = 3  # times F channels


def cell_network(
    genotype: Genotype,
    image_shape: tuple[int, int, int],
    num_classes: int,
    cells: int = 6,
    filters: int = 36,
    kind: str = "training",
    layout: str = "nao",
    dropout: float = 0.0,
) -> tf.keras.Model:
    """Stacks the two cells of a genotype (Luo et al. 2018, section 4).

    A 3x3 convolution, then N normal cells, a reduction cell, N normal cells, a
    reduction cell and N normal cells; each reduction doubles the channels. Each cell
    reads the outputs of the two before it.

    Args:
        genotype: The cells.
        image_shape: `(height, width, channels)` of an image, any size.
        num_classes: Number of logits.
        cells: N, normal cells in each of the three parts.
        filters: F, channels of the first cells.
        kind: `"training"` for ReLU and Keras' `BatchNormalization`, or
            `"evaluation"` for the layers of the paper's learners.
        layout: How the inputs of a cell are calibrated: `"nao"`, `"enas"`,
            `"nasnet"` or `"darts"`.
        dropout: Share of the pooled features dropped in training.

    Returns:
        A Keras model from images `[batch, h, w, c]` to logits `[batch, num_classes]`.

    Example:

    >>> genotype = Genotype.from_integers([0, 6, 1, 5] * 10)
    >>> cell_network(genotype, (8, 8, 1), 10, cells=1, filters=2).output_shape
    (None, 10)
    """
    blocks, calibrate = BLOCKS[kind], LAYOUTS[layout]
    inputs = layers.Input(image_shape)
    stem = blocks.norm(blocks.conv(inputs, _STEM * filters, 3))
    before, x = stem, stem
    for part in range(3):
        width = filters * 2**part
        if part > 0:
            cell = genotype.reduction
            before, x = x, _cell(cell, before, x, width, 2, blocks, calibrate)
        for _ in range(cells):
            cell = genotype.normal
            before, x = x, _cell(cell, before, x, width, 1, blocks, calibrate)
    x = layers.GlobalAveragePooling2D()(blocks.activation(x))
    if dropout:
        x = layers.Dropout(dropout)(x)
    return tf.keras.Model(inputs, blocks.dense(x, num_classes))


def _cell(
    cell: Cell,
    before: tf.Tensor,
    previous: tf.Tensor,
    filters: int,
    stride: int,
    blocks: TrainingBlocks,
    calibrate: Calibrate,
) -> tf.Tensor:
    states = calibrate(before, previous, filters, blocks)
    for node in cell.nodes:
        pair = (node.input_a, node.op_a), (node.input_b, node.op_b)
        # Only what reads a cell's inputs has the stride: nodes are already smaller.
        a, b = (
            apply_operation(op, states[i], filters, stride if i < 2 else 1, blocks)
            for i, op in pair
        )
        states.append(layers.Add()([a, b]))
    size = states[-1].shape[1:3]  # of every node
    ends = [states[i] for i in cell.ends]
    ends = [
        end if end.shape[1:3] == size else blocks.factorized_reduce(end, filters)
        for end in ends
    ]
    return ends[0] if len(ends) == 1 else layers.Concatenate()(ends)
