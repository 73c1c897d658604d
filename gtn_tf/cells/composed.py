"""The operations of cells, composed of elementary ones that make layers or counts."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from typing import Any, Union

Tensor = Any  # Keras', or a stand-in with a `shape`
Size = Union[int, tuple[int, int]]
Paths = Callable[[Tensor], Tensor]  # of a cell: applied to the output of each path


class Blocks(abc.ABC):
    """The layers that networks of cells are made of.

    All wiring is written in terms of these, so that what runs and what is counted is
    the same network. Needs no TensorFlow.
    """

    @abc.abstractmethod
    def input(self, image_shape: tuple[int, int, int]) -> Tensor:
        """The images."""

    @abc.abstractmethod
    def activation(self, x: Tensor) -> Tensor:
        """The nonlinearity before a convolution and before the head."""

    @abc.abstractmethod
    def relu(self, x: Tensor) -> Tensor:
        """ReLU, regardless of `activation`."""

    @abc.abstractmethod
    def norm(self, x: Tensor) -> Tensor:
        """Batch norm."""

    @abc.abstractmethod
    def conv(self, x: Tensor, filters: int, size: Size, stride: Size = 1) -> Tensor:
        """A convolution without bias."""

    @abc.abstractmethod
    def depthwise(self, x: Tensor, size: int, stride: int = 1) -> Tensor:
        """A depthwise convolution without bias."""

    @abc.abstractmethod
    def depthwise_with_holes(self, x: Tensor, size: int) -> Tensor:
        """The same with dilation 2."""

    @abc.abstractmethod
    def dense(self, x: Tensor, units: int) -> Tensor:
        """The layer of the logits."""

    @abc.abstractmethod
    def max_pool(self, x: Tensor, size: int, stride: int) -> Tensor:
        """Max-pooling, which ignores padding."""

    @abc.abstractmethod
    def average_pool(self, x: Tensor, size: int, stride: int) -> Tensor:
        """Average pooling over the pixels inside the image."""

    @abc.abstractmethod
    def halve(self, x: Tensor) -> Tensor:
        """Averages of 2x2 pixels."""

    @abc.abstractmethod
    def subsample(self, x: Tensor, stride: int) -> Tensor:
        """Keeps every `stride`-th pixel in both directions."""

    @abc.abstractmethod
    def shift(self, x: Tensor) -> Tensor:
        """Shifts the image up and left by one pixel, with zeros at the end."""

    @abc.abstractmethod
    def global_pool(self, x: Tensor) -> Tensor:
        """The mean of all pixels, `[batch, c]`."""

    @abc.abstractmethod
    def add(self, xs: Sequence[Tensor]) -> Tensor:
        """The sum of tensors of one shape."""

    @abc.abstractmethod
    def concatenate(self, xs: Sequence[Tensor]) -> Tensor:
        """All channels of tensors of one size."""

    @abc.abstractmethod
    def zeros(self, x: Tensor) -> Tensor:
        """Zeros, of the same shape."""

    def factorized_reduce(self, x: Tensor, filters: int) -> Tensor:
        """Halves height and width: two strided 1x1 convolutions, one pixel apart."""
        x = self.relu(x)
        shifted = self.shift(x)
        width = (filters + 1) // 2
        x = self.conv(x, width, 1, 2)
        if filters > 1:
            x = self.concatenate([x, self.conv(shifted, filters - width, 1, 2)])
        return self.norm(x)

    def conv_norm(
        self, x: Tensor, filters: int, size: Size, stride: Size = 1
    ) -> Tensor:
        """Activation, convolution, batch norm."""
        return self.norm(self.conv(self.activation(x), filters, size, stride))

    def separable(self, x: Tensor, filters: int, size: int, stride: int) -> Tensor:
        """A depthwise and a 1x1 convolution, twice, as in NASNet."""
        for stride_now in (stride, 1):
            x = self.depthwise(self.activation(x), size, stride_now)
            x = self.norm(self.conv(x, filters, 1))
        return x

    def dilated(self, x: Tensor, filters: int, size: int, stride: int) -> Tensor:
        """A dilated depthwise and a 1x1 convolution, as in DARTS."""
        x = self.depthwise_with_holes(self.activation(x), size)
        if stride > 1:  # TensorFlow has no stride with dilation
            x = self.subsample(x, stride)
        return self.norm(self.conv(x, filters, 1))

    def pooled_features(self, x: Tensor) -> Tensor:
        """The input of a head: activation, then the mean of all pixels."""
        return self.global_pool(self.activation(x))
