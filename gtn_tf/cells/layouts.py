"""How published networks calibrate the inputs of their cells and run operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gtn_tf.cells.composed import Blocks, Tensor
from gtn_tf.cells.operations import (
    Operation,
    apply_amoebanet_operation,
    apply_operation,
)

# Gives the two inputs of a cell the same size and the cell's number of channels:
# (two cells back, previous cell, channels, layers) -> both inputs.
Calibrate = Callable[[Tensor, Tensor, int, Blocks], list[Tensor]]


class Layout(NamedTuple):
    """Differences between networks of the same cells."""

    calibrate: Calibrate
    operation: Operation = apply_operation


def _nao(
    before: Tensor, previous: Tensor, filters: int, blocks: Blocks
) -> list[Tensor]:
    if previous.shape[-1] == filters:
        return [_older(before, previous, filters, blocks), previous]
    return _nasnet(before, previous, filters, blocks)


def _enas(
    before: Tensor, previous: Tensor, filters: int, blocks: Blocks
) -> list[Tensor]:
    before, previous = _nao(before, previous, filters, blocks)
    return [before, blocks.conv_norm(previous, filters, 1)]


def _nasnet(
    before: Tensor, previous: Tensor, filters: int, blocks: Blocks
) -> list[Tensor]:
    older = _older(before, previous, filters, blocks)
    return [older, blocks.conv_norm(previous, filters, 1)]


def _darts(
    before: Tensor, previous: Tensor, filters: int, blocks: Blocks
) -> list[Tensor]:
    if before.shape[1:3] != previous.shape[1:3]:
        before = blocks.factorized_reduce(before, filters)
    else:
        before = blocks.conv_norm(before, filters, 1)
    return [before, blocks.conv_norm(previous, filters, 1)]


def _amoebanet(
    before: Tensor, previous: Tensor, filters: int, blocks: Blocks
) -> list[Tensor]:
    if before is previous:  # both are the stem: one stays unchanged
        return [before, blocks.conv_norm(previous, filters, 1)]
    return _nasnet(before, previous, filters, blocks)


def _older(before: Tensor, previous: Tensor, filters: int, blocks: Blocks) -> Tensor:
    if before.shape[1:3] != previous.shape[1:3]:
        return blocks.factorized_reduce(before, filters)
    if before.shape[-1] != filters:
        return blocks.conv_norm(before, filters, 1)
    return before


NAO = Layout(_nao)  # 1x1 convolutions where the channels differ
ENAS = Layout(_enas)  # and always one more on the previous cell's output
NASNET = Layout(_nasnet)  # always one on the previous cell's output
# As nasnet, except for the first cell and some operations.
AMOEBANET = Layout(_amoebanet, apply_amoebanet_operation)
DARTS = Layout(_darts)  # always one on both
