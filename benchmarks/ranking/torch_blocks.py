"""The layers of cells in PyTorch: those of `gtn_tf.cells.blocks.TrainingBlocks`."""

from __future__ import annotations

from typing import Union

import torch
import torch.nn.functional as F
from torch import nn

from ranking.padding import same

Size = Union[int, tuple[int, int]]


class Conv(nn.Conv2d):
    """A convolution without bias, padded as TensorFlow's "SAME" is.

    Args:
        channels: Input channels.
        filters: Output channels.
        size: Size of the kernel.
        stride: Stride of the kernel.
    """

    def __init__(
        self, channels: int, filters: int, size: Size, stride: Size = 1
    ) -> None:
        super().__init__(channels, filters, size, stride, bias=False)
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        top, bottom = same(x.shape[2], self.kernel_size[0], self.stride[0])
        left, right = same(x.shape[3], self.kernel_size[1], self.stride[1])
        padding = top, left
        if top != bottom or left != right:
            x, padding = F.pad(x, (left, right, top, bottom)), (0, 0)
        return F.conv2d(x, self.weight, None, self.stride, padding)


class Norm(nn.BatchNorm2d):
    """Batch norm with Keras' momentum of 0.9.

    Args:
        channels: Input channels.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-5, momentum=0.1)


class ConvNorm(nn.Sequential):
    """ReLU, convolution, batch norm.

    Args:
        channels: Input channels.
        filters: Output channels.
        size: Size of the kernel.
        stride: Stride of the kernel.
    """

    def __init__(
        self, channels: int, filters: int, size: Size, stride: Size = 1
    ) -> None:
        super().__init__(
            nn.ReLU(), Conv(channels, filters, size, stride), Norm(filters)
        )


class FactorizedReduce(nn.Module):
    """Halves an even height and width: two strided convolutions, one pixel apart.

    Args:
        channels: Input channels.
        filters: Output channels, at least 2.
    """

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        width = (filters + 1) // 2
        self.first = Conv(channels, width, 1, 2)
        self.second = Conv(channels, filters - width, 1, 2)
        self.norm = Norm(filters)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(x)
        shifted = x[:, :, 1:, 1:]
        return self.norm(torch.cat([self.first(x), self.second(shifted)], dim=1))


class Pool(nn.Module):
    """Pooling over the pixels inside the image, padded as TensorFlow's "SAME" is.

    Args:
        kind: `"max"` or `"avg"`.
        size: Size of the window.
        stride: Stride of the window.
    """

    def __init__(self, kind: str, size: int, stride: int) -> None:
        super().__init__()
        self.kind, self.size, self.stride = kind, size, stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        before, after = same(x.shape[2], self.size, self.stride)
        if self.stride == 1 and before != after:
            # PyTorch pads symmetrically. In windows of two pixels, one of them outside,
            # repeating the one inside gives the same.
            x, before = F.pad(x, (0, 1, 0, 1), mode="replicate"), 0
        # The last window may reach beyond the edge, which is the padding behind.
        if self.kind == "max":
            return F.max_pool2d(x, self.size, self.stride, before, ceil_mode=True)
        return F.avg_pool2d(x, self.size, self.stride, before, True, False)
