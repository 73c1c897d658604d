"""The operations of the NAO cells, by name."""

from __future__ import annotations

from collections.abc import Callable

from gtn_tf.cells.composed import Blocks, Tensor

# Applies an operation: (name, x, channels, stride, layers) -> result.
Operation = Callable[[str, Tensor, int, int, Blocks], Tensor]

# In AmoebaNet, between two 1x1 convolutions, with this share of the channels.
_BOTTLENECKS = {"conv_3x3": 1 / 4, "conv_1x3_3x1": 3 / 8, "conv_1x7_7x1": 1 / 4}


def apply_operation(
    name: str, x: Tensor, filters: int, stride: int, blocks: Blocks
) -> Tensor:
    """Applies an operation of a cell to a Keras tensor.

    Args:
        name: Name of the operation; see `gtn_tf.cells.genotype`.
        x: `[batch, h, w, filters]`.
        filters: Channels of the cell.
        stride: 1, or 2 to halve height and width.
        blocks: Kind of the layers.

    Returns:
        `[batch, h, w, filters]`, or half of h and w, rounded up.
    """
    return _OPERATIONS[name](x, filters, stride, blocks)


def apply_amoebanet_operation(
    name: str, x: Tensor, filters: int, stride: int, blocks: Blocks
) -> Tensor:
    """Applies an operation to a Keras tensor as the authors of AmoebaNet do.

    Convolutions larger than 1x1 have a bottleneck, a strided identity is a strided 1x1
    convolution, and `x` may have any number of channels.

    Args:
        name: As for `apply_operation`.
        x: `[batch, h, w, c]`.
        filters: Channels of the cell.
        stride: 1, or 2 to halve height and width.
        blocks: Kind of the layers.

    Returns:
        `[batch, h, w, filters]`, or half of h and w, rounded up.
    """
    as_it_is = x.shape[-1] == filters
    if name == "identity":
        if stride == 1 and as_it_is:
            return x
        return blocks.conv_norm(x, filters, 1, stride)
    narrow = int(_BOTTLENECKS.get(name, 0) * filters)
    if narrow:
        x = apply_operation(
            name, blocks.conv_norm(x, narrow, 1), narrow, stride, blocks
        )
        return blocks.conv_norm(x, filters, 1)
    x = apply_operation(name, x, filters, stride, blocks)
    if "pool" in name and not as_it_is:
        return blocks.norm(blocks.conv(x, filters, 1))
    return x


def _identity(x: Tensor, filters: int, stride: int, blocks: Blocks) -> Tensor:
    return x if stride == 1 else blocks.factorized_reduce(x, filters)


def _max_pool(size: int) -> Callable[..., Tensor]:
    return lambda x, filters, stride, blocks: blocks.max_pool(x, size, stride)


def _average_pool(size: int) -> Callable[..., Tensor]:
    return lambda x, filters, stride, blocks: blocks.average_pool(x, size, stride)


def _conv(size: int) -> Callable[..., Tensor]:
    return lambda x, filters, stride, blocks: blocks.conv_norm(x, filters, size, stride)


def _separable(size: int) -> Callable[..., Tensor]:
    return lambda x, filters, stride, blocks: blocks.separable(x, filters, size, stride)


def _dilated(size: int, times: int) -> Callable[..., Tensor]:
    def run(x: Tensor, filters: int, stride: int, blocks: Blocks) -> Tensor:
        for stride_now in (stride, 1)[:times]:
            x = blocks.dilated(x, filters, size, stride_now)
        return x

    return run


def _row_and_column(size: int) -> Callable[..., Tensor]:
    def run(x: Tensor, filters: int, stride: int, blocks: Blocks) -> Tensor:
        x = blocks.conv_norm(x, filters, (1, size), (1, stride))
        return blocks.conv_norm(x, filters, (size, 1), (stride, 1))

    return run


_OPERATIONS: dict[str, Callable[..., Tensor]] = {
    "identity": _identity,
    "conv_1x1": _conv(1),
    "conv_3x3": _conv(3),
    "conv_1x3_3x1": _row_and_column(3),
    "conv_1x7_7x1": _row_and_column(7),
    "max_pool_2x2": _max_pool(2),
    "max_pool_3x3": _max_pool(3),
    "max_pool_5x5": _max_pool(5),
    "avg_pool_2x2": _average_pool(2),
    "avg_pool_3x3": _average_pool(3),
    "avg_pool_5x5": _average_pool(5),
    "sep_conv_3x3": _separable(3),
    "sep_conv_5x5": _separable(5),
    "sep_conv_7x7": _separable(7),
    "dil_conv_3x3": _dilated(3, times=1),
    "dil_conv_5x5": _dilated(5, times=1),
    "dil_sep_conv_5x5": _dilated(5, times=2),
}
