"""Convolutional learners (paper, section 3.2 and appendix)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from gtn_tf.errors import ArgumentError, not_one_of
from gtn_tf.layers import MaxPool2D, kaiming_normal
from gtn_tf.learners.learners import SequentialLearners, Width
from gtn_tf.names import DOWNSAMPLE
from gtn_tf.shapes import expect_pictures


@dataclasses.dataclass(frozen=True, eq=False)
class ConvLearners(SequentialLearners):
    """3x3 convolutions, each followed by its norm and LeakyReLU, then dense layers.

    Args:
        filters: Widths of the convolutions, in channels; an integer, or a pair
            `(low, high)` to draw it from, `high` excluded.
        units: Widths of the hidden dense layers, likewise.
        strides: The stride of each convolution; 2 for all by default.
        downsample: What applies the stride: a 3x3 `"max_pool"` after the convolution,
            or after its norm and activation, `"max_pool_last"`, as in Keras' examples;
            or the convolution itself, `"stride"`.
        global_pooling: Whether dense layers see the mean over all pixels instead of
            every pixel.
        weight_norm: Whether every layer is weight-normalised.
        batch_norm: `"mean_only"` (the paper's), `"full"` or `"none"`.
        negative_slope: Of LeakyReLU; 0 makes it a ReLU.
        dense_norm: Whether hidden dense layers have it, too.
        norm_momentum: Of the batch norms' running statistics, in [0, 1); the paper's 0
            keeps those of the last batch.
        architectures: Networks drawn.
        seed: Integer that the architectures are drawn from.

    Raises:
        ValueError: If there is not one stride for each convolution, or if a
            setting is out of its range.

    Example:

    >>> learners = ConvLearners(filters=[16, (16, 64)], units=[64], architectures=3)
    >>> [model.output_shape for model in learners.build((8, 8, 1), 10)]
    [(None, 10), (None, 10), (None, 10)]
    """

    filters: Sequence[Width] = (16, 32)
    units: Sequence[Width] = (64,)
    strides: Sequence[int] | None = None
    downsample: str = "max_pool"
    global_pooling: bool = False
    weight_norm: bool = True
    batch_norm: str = "mean_only"
    negative_slope: float = 0.1
    dense_norm: bool = True
    norm_momentum: float = 0.0
    architectures: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self._strides()) != len(self.filters):
            raise ArgumentError(
                f"strides: expected {len(self.filters)}, one for each entry of "
                f"filters, received {self.strides}"
            )
        if self.downsample not in DOWNSAMPLE:
            raise ArgumentError(not_one_of("downsample", self.downsample, DOWNSAMPLE))

    def _strides(self) -> Sequence[int]:
        return [2] * len(self.filters) if self.strides is None else self.strides

    def _network(
        self,
        rng: np.random.Generator,
        image_shape: tuple[int, ...],
        num_classes: int,
    ) -> tf.keras.Model:
        expect_pictures(image_shape, "ConvLearners", "MLPLearners take a table")
        return super()._network(rng, image_shape, num_classes)

    def _layers(
        self, rng: np.random.Generator, num_classes: int
    ) -> list[tf.keras.layers.Layer]:
        layers: list[tf.keras.layers.Layer] = []
        for width, stride in zip(self._draw(rng, self.filters), self._strides()):
            layers += self._conv(width, stride)
        if self.global_pooling:
            layers.append(tf.keras.layers.GlobalAveragePooling2D())
        else:
            layers.append(tf.keras.layers.Flatten())
        return layers + self._dense(self._draw(rng, self.units), num_classes)

    def _conv(self, filters: int, stride: int) -> list[tf.keras.layers.Layer]:
        pooled = self.downsample != "stride" and stride > 1
        conv = tf.keras.layers.Conv2D(
            filters,
            3,
            strides=1 if pooled else stride,
            padding="same",
            use_bias=not self._norm(),  # a norm's beta replaces the bias
            kernel_initializer=kaiming_normal(),
        )
        pool = [MaxPool2D(3, stride, "same")] if pooled else []
        if self.downsample == "max_pool_last":
            return [self._weighted(conv), *self._activation(), *pool]
        # The pool comes before the norm, as in the official code.
        return [self._weighted(conv), *pool, *self._activation()]
