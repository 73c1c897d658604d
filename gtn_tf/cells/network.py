"""From a genotype to a Keras model: the stack of cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from gtn_tf.cells.blocks import BLOCKS, TrainingBlocks
from gtn_tf.cells.genotype import Cell, Genotype
from gtn_tf.cells.layouts import LAYOUTS, Layout
from gtn_tf.layers import Dropout, DropPath, StepClock

layers = tf.keras.layers

_STEM = 3  # times F channels
_AUXILIARY_FILTERS = 128, 768
_SEEDS = 1000  # of a cell, more than it has paths


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
        cells: N, normal cells in each of the three parts.
        filters: F, channels of the first cells.
        kind: `"training"` for ReLU and Keras' `BatchNormalization`, or
            `"evaluation"` for the layers of the paper's learners.
        layout: How the inputs of a cell are calibrated: `"nao"`, `"enas"`,
            `"nasnet"`, `"amoebanet"`, which has operations of its own, or `"darts"`.
        dropout: Share of the pooled features dropped in training.
        drop_path: Share of the paths in the last cell dropped at the end of training;
            earlier cells and steps have less, in proportion (Zoph et al. 2018).
            Identities are never dropped.
        steps: Of the whole training, for `drop_path`.
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
    blocks = BLOCKS[kind]
    inputs = layers.Input(image_shape)
    drops = dropout or drop_path
    clock = StepClock(name="clock")(inputs) if drops else None
    stem = blocks.norm(blocks.conv(inputs, _STEM * filters, 3))
    before, x, number = stem, stem, 0
    for part in range(3):
        stack = [genotype.normal] * cells
        if part > 0:
            stack = [genotype.reduction, *stack]
        for place, cell in enumerate(stack):
            number += 1
            rate = drop_path * number / (3 * cells + 2)
            paths = _Paths(clock, rate, steps, seed + _SEEDS * number)
            builder = _Builder(filters * 2**part, blocks, LAYOUTS[layout], paths)
            stride = 2 if part > 0 and place == 0 else 1
            before, x = x, builder.cell(cell, before, x, stride)
            if part == 2 and place == 0:
                reduced = x
    x = layers.GlobalAveragePooling2D()(blocks.activation(x))
    if dropout:
        x = Dropout(dropout, seed)([x, clock])
    logits = _output(blocks.dense(x, num_classes), "logits")
    if not auxiliary:
        return tf.keras.Model(inputs, logits)
    second = _auxiliary_head(reduced, num_classes, blocks)
    return tf.keras.Model(inputs, {"logits": logits, "auxiliary": second})


@dataclass
class _Paths:
    """The paths of one cell, which may be dropped."""

    clock: tf.Tensor | None
    rate: float
    steps: int
    seed: int  # of the next path

    def __call__(self, op: str, stride: int, x: tf.Tensor) -> tf.Tensor:
        if not self.rate or (op == "identity" and stride == 1):
            return x
        self.seed += 1
        return DropPath(self.rate, self.steps, self.seed)([x, self.clock])


@dataclass
class _Builder:
    """Builds cells of one width."""

    filters: int
    blocks: TrainingBlocks
    layout: Layout
    paths: Callable[[str, int, tf.Tensor], tf.Tensor]

    def cell(
        self, cell: Cell, before: tf.Tensor, previous: tf.Tensor, stride: int
    ) -> tf.Tensor:
        states = self.layout.calibrate(before, previous, self.filters, self.blocks)
        for node in cell.nodes:
            pair = (node.input_a, node.op_a), (node.input_b, node.op_b)
            # Only what reads a cell's inputs has the stride: nodes are smaller.
            a, b = (self._path(op, states[i], stride if i < 2 else 1) for i, op in pair)
            states.append(layers.Add()([a, b]))
        size = states[-1].shape[1:3]  # of every node
        ends = [states[i] for i in cell.ends]
        ends = [
            end
            if end.shape[1:3] == size
            else self.blocks.factorized_reduce(end, self.filters)
            for end in ends
        ]
        return ends[0] if len(ends) == 1 else layers.Concatenate()(ends)

    def _path(self, op: str, x: tf.Tensor, stride: int) -> tf.Tensor:
        x = self.layout.operation(op, x, self.filters, stride, self.blocks)
        return self.paths(op, stride, x)


def _auxiliary_head(
    x: tf.Tensor, num_classes: int, blocks: TrainingBlocks
) -> tf.Tensor:
    """Logits from the middle of a network, as in NASNet; smaller for small images."""
    few, many = _AUXILIARY_FILTERS
    x = blocks.activation(x)
    size = min(5, *x.shape[1:3])
    x = layers.AveragePooling2D(size, 3)(x)
    x = blocks.activation(blocks.norm(layers.Conv2D(few, 1, use_bias=False)(x)))
    size = min(2, *x.shape[1:3])
    x = blocks.activation(blocks.norm(layers.Conv2D(many, size, use_bias=False)(x)))
    return _output(blocks.dense(layers.Flatten()(x), num_classes), "auxiliary")


def _output(x: tf.Tensor, name: str) -> tf.Tensor:
    """Names an output; in mixed precision, logits are float32 again."""
    policy = tf.keras.mixed_precision.global_policy()
    return layers.Activation("linear", dtype=policy.variable_dtype, name=name)(x)
