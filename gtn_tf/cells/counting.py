"""Counts the weights and operations of the layers of cells.

Operations are counted for one image, as TensorFlow's profiler does: a multiplication
and an addition are two, fused batch norms and ReLUs none.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from gtn_tf.cells.composed import Blocks, Size


class Counted:
    """A tensor: its shape, and the cost of the layer that gives it.

    Args:
        shape: `(1, h, w, c)` or `(1, c)`.
        params: Trainable weights of the layer.
        flops: Operations of the layer.
        sources: Inputs of the layer.
    """

    __slots__ = ("flops", "params", "shape", "sources")

    def __init__(
        self,
        shape: tuple[int, ...],
        params: int = 0,
        flops: int = 0,
        sources: Sequence[Counted] = (),
    ) -> None:
        self.shape = shape
        self.params = params
        self.flops = flops
        self.sources = sources


class TrainingCounts(Blocks):
    """Counts the layers of a usual network."""

    def input(self, image_shape: tuple[int, int, int]) -> Counted:
        return Counted((1, *image_shape))

    def activation(self, x: Counted) -> Counted:
        return x

    def relu(self, x: Counted) -> Counted:
        return x

    def norm(self, x: Counted) -> Counted:
        return Counted(x.shape, 2 * x.shape[-1], 0, (x,))

    def conv(self, x: Counted, filters: int, size: Size, stride: Size = 1) -> Counted:
        rows, columns = (size, size) if isinstance(size, int) else size
        shape = _strided(x, filters, stride)
        kernel = rows * columns * x.shape[-1] * filters
        flops = 2 * kernel * shape[1] * shape[2] + self._reading(kernel, filters)
        return Counted(shape, kernel + self._scales(filters), flops, (x,))

    def depthwise(self, x: Counted, size: int, stride: int = 1) -> Counted:
        shape = _strided(x, x.shape[-1], stride)
        area = size**2
        return Counted(shape, area * shape[-1], 2 * area * prod(shape), (x,))

    def depthwise_with_holes(self, x: Counted, size: int) -> Counted:
        # Each of the four phases of pixels is an image; all have one size.
        area, (_, height, width, channels) = size**2, x.shape
        pixels = 4 * _half(height) * _half(width)
        return Counted(x.shape, area * channels, 2 * area * pixels * channels, (x,))

    def dense(self, x: Counted, units: int) -> Counted:
        kernel = x.shape[-1] * units
        return Counted((1, units), kernel + units, 2 * kernel + units, (x,))

    def max_pool(self, x: Counted, size: int, stride: int) -> Counted:
        shape = _strided(x, x.shape[-1], stride)
        return Counted(shape, 0, size**2 * prod(shape), (x,))

    def average_pool(self, x: Counted, size: int, stride: int) -> Counted:
        return self.max_pool(x, size, stride)

    def halve(self, x: Counted) -> Counted:
        return self.max_pool(x, 2, 2)

    def subsample(self, x: Counted, stride: int) -> Counted:
        return self.max_pool(x, 1, stride)

    def shift(self, x: Counted) -> Counted:
        return x

    def global_pool(self, x: Counted) -> Counted:
        return Counted((1, x.shape[-1]), 0, prod(x.shape), (x,))

    def add(self, xs: Sequence[Counted]) -> Counted:
        shape = xs[0].shape
        return Counted(shape, 0, (len(xs) - 1) * prod(shape), xs)

    def concatenate(self, xs: Sequence[Counted]) -> Counted:
        return Counted((*xs[0].shape[:-1], sum(x.shape[-1] for x in xs)), sources=xs)

    def zeros(self, x: Counted) -> Counted:
        return Counted(x.shape, 0, 2 * prod(x.shape), (x,))

    def _scales(self, filters: int) -> int:
        """Weights of a convolution besides its kernel."""
        return 0

    def _reading(self, kernel: int, filters: int) -> int:
        """Operations to compute the kernel from its weights."""
        return 0


class EvaluationCounts(TrainingCounts):
    """Counts the layers of the paper's learners.

    Their norms are not fused, and are counted.
    """

    def norm(self, x: Counted) -> Counted:
        channels = x.shape[-1]
        flops = 3 * prod(x.shape) + 4 * channels
        return Counted(x.shape, 2 * channels, flops, (x,))

    def dense(self, x: Counted, units: int) -> Counted:
        plain, kernel = super().dense(x, units), x.shape[-1] * units
        # With more features than images, the outputs are scaled, not the kernel.
        flops = plain.flops + 2 * kernel + 4 * units
        return Counted(plain.shape, plain.params + self._scales(units), flops, (x,))

    def _scales(self, filters: int) -> int:
        return filters

    def _reading(self, kernel: int, filters: int) -> int:
        # Square, sum, floor, inverse root (two), and twice a product.
        return 4 * kernel + 2 * filters


def _strided(x: Counted, channels: int, stride: Size) -> tuple[int, ...]:
    down, right = (stride, stride) if isinstance(stride, int) else stride
    _, height, width, _ = x.shape
    return 1, -(-height // down), -(-width // right), channels


def _half(length: int) -> int:
    return (length + 1) // 2
