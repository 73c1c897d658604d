"""Residual learners (He et al. 2015, arXiv 1512.03385)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.layers import kaiming_normal
from gtn_tf.learners.learners import NormedLearners, Width
from gtn_tf.shapes import expect_pictures


@dataclasses.dataclass(frozen=True, eq=False)
class ResNetLearners(NormedLearners):
    """A convolution, basic residual blocks, and a dense layer on the mean over pixels.

    Args:
        filters: Widths of the blocks, in channels; an integer, or a pair
            `(low, high)` to draw it from, `high` excluded.
        strides: The stride of each block; 1 for the first and 2 for the others by
            default.
        weight_norm: Whether every layer is weight-normalised.
        batch_norm: `"mean_only"` (the paper's), `"full"` or `"none"`.
        negative_slope: Of LeakyReLU; 0 makes it a ReLU.
        norm_momentum: Of the batch norms' running statistics, in [0, 1); the paper's 0
            keeps those of the last batch.
        architectures: Networks drawn.
        seed: Integer that the architectures are drawn from.

    Raises:
        ValueError: If there is not one stride for each block, or no block.

    Example:

    >>> learners = ResNetLearners(filters=[8, (8, 32)], batch_norm="full")
    >>> [model.output_shape for model in learners.build((8, 8, 1), 10)]
    [(None, 10)]
    """

    filters: Sequence[Width] = (16, 32, 64)
    strides: Sequence[int] | None = None
    weight_norm: bool = True
    batch_norm: str = "mean_only"
    negative_slope: float = 0.1
    norm_momentum: float = 0.0
    architectures: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.filters or len(self._strides()) != len(self.filters):
            raise ArgumentError(
                f"strides: expected {len(self.filters) or 'some'}, one for each entry "
                f"of filters, received {self.strides}"
            )

    def _strides(self) -> Sequence[int]:
        default = [1, *[2] * (len(self.filters) - 1)]
        return default if self.strides is None else self.strides

    def _network(
        self,
        rng: np.random.Generator,
        image_shape: tuple[int, ...],
        num_classes: int,
    ) -> tf.keras.Model:
        expect_pictures(image_shape, "ResNetLearners", "MLPLearners take a table")
        inputs = tf.keras.layers.Input(image_shape)
        widths = self._draw(rng, self.filters)
        x = self._apply(inputs, [*self._conv(widths[0]), *self._activation()])
        for width, stride in zip(widths, self._strides()):
            x = self._block(x, width, stride)
        x = tf.keras.layers.GlobalAveragePooling2D()(x)
        return tf.keras.Model(inputs, self._apply(x, self._dense([], num_classes)))

    def _block(self, x: tf.Tensor, filters: int, stride: int) -> tf.Tensor:
        inner = [*self._conv(filters, 3, stride), *self._activation()]
        y = self._apply(x, [*inner, *self._conv(filters), *self._norm()])
        if stride > 1 or x.shape[-1] != filters:
            x = self._apply(x, [*self._conv(filters, 1, stride), *self._norm()])
        return self._rectifier()(tf.keras.layers.Add()([x, y]))

    def _conv(
        self, filters: int, size: int = 3, stride: int = 1
    ) -> list[tf.keras.layers.Layer]:
        conv = tf.keras.layers.Conv2D(
            filters,
            size,
            stride,
            padding="same",
            use_bias=not self._norm(),  # a norm's beta replaces the bias
            kernel_initializer=kaiming_normal(),
        )
        return [self._weighted(conv)]

    @staticmethod
    def _apply(x: tf.Tensor, layers: Sequence[tf.keras.layers.Layer]) -> tf.Tensor:
        for layer in layers:
            x = layer(x)
        return x
