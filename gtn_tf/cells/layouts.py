"""How published networks calibrate the inputs of their cells."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from gtn_tf.cells.blocks import TrainingBlocks

# Gives the two inputs of a cell the same size and the cell's number of channels:
# (two cells back, previous cell, channels, layers) -> both inputs.
Calibrate = Callable[[tf.Tensor, tf.Tensor, int, TrainingBlocks], list[tf.Tensor]]


def _nao(
    before: tf.Tensor, previous: tf.Tensor, filters: int, blocks: TrainingBlocks
) -> list[tf.Tensor]:
    if previous.shape[-1] == filters:
        return [_older(before, previous, filters, blocks), previous]
    return _nasnet(before, previous, filters, blocks)


def _enas(
    before: tf.Tensor, previous: tf.Tensor, filters: int, blocks: TrainingBlocks
) -> list[tf.Tensor]:
    before, previous = _nao(before, previous, filters, blocks)
    return [before, blocks.conv_norm(previous, filters, 1)]


def _nasnet(
    before: tf.Tensor, previous: tf.Tensor, filters: int, blocks: TrainingBlocks
) -> list[tf.Tensor]:
    older = _older(before, previous, filters, blocks)
    return [older, blocks.conv_norm(previous, filters, 1)]


def _darts(
    before: tf.Tensor, previous: tf.Tensor, filters: int, blocks: TrainingBlocks
) -> list[tf.Tensor]:
    if before.shape[1:3] != previous.shape[1:3]:
        before = blocks.factorized_reduce(before, filters)
    else:
        before = blocks.conv_norm(before, filters, 1)
    return [before, blocks.conv_norm(previous, filters, 1)]


def _older(
    before: tf.Tensor, previous: tf.Tensor, filters: int, blocks: TrainingBlocks
) -> tf.Tensor:
    if before.shape[1:3] != previous.shape[1:3]:
        return blocks.factorized_reduce(before, filters)
    if before.shape[-1] != filters:
        return blocks.conv_norm(before, filters, 1)
    return before


LAYOUTS: dict[str, Calibrate] = {
    "nao": _nao,  # 1x1 convolutions where the channels differ
    "enas": _enas,  # and always one more on the previous cell's output
    "nasnet": _nasnet,  # always one on the previous cell's output
    "darts": _darts,  # always one on both
}
