"""The Keras layers that cells are made of, in two kinds."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from gtn_tf.cells.composed import Blocks, Size
from gtn_tf.layers import BatchNorm, MaxPool2D, WeightNormalization, kaiming_normal

layers = tf.keras.layers

_SLOPE = 0.1  # of LeakyReLU


class TrainingBlocks(Blocks):
    """Layers of a usual network: ReLU, and Keras' `BatchNormalization`."""

    def input(self, image_shape: tuple[int, int, int]) -> tf.Tensor:
        return layers.Input(image_shape)

    def activation(self, x: tf.Tensor) -> tf.Tensor:
        return layers.ReLU()(x)

    def relu(self, x: tf.Tensor) -> tf.Tensor:
        return layers.ReLU()(x)

    def norm(self, x: tf.Tensor) -> tf.Tensor:
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)

    def conv(
        self, x: tf.Tensor, filters: int, size: Size, stride: Size = 1
    ) -> tf.Tensor:
        return _conv(filters, size, stride)(x)

    def depthwise(self, x: tf.Tensor, size: int, stride: int = 1) -> tf.Tensor:
        return layers.DepthwiseConv2D(size, stride, "same", use_bias=False)(x)

    def depthwise_with_holes(self, x: tf.Tensor, size: int) -> tf.Tensor:
        depthwise = layers.DepthwiseConv2D(
            size, padding="same", use_bias=False, dilation_rate=2
        )
        return depthwise(x)

    def dense(self, x: tf.Tensor, units: int) -> tf.Tensor:
        return layers.Dense(units)(x)

    def max_pool(self, x: tf.Tensor, size: int, stride: int) -> tf.Tensor:
        return layers.MaxPool2D(size, stride, "same")(x)

    def average_pool(self, x: tf.Tensor, size: int, stride: int) -> tf.Tensor:
        return layers.AveragePooling2D(size, stride, "same")(x)

    def halve(self, x: tf.Tensor) -> tf.Tensor:
        return layers.AveragePooling2D(2, 2, "same")(x)

    def subsample(self, x: tf.Tensor, stride: int) -> tf.Tensor:
        return layers.MaxPool2D(1, stride)(x)

    def shift(self, x: tf.Tensor) -> tf.Tensor:
        shifted = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
        return layers.Cropping2D(((1, 0), (1, 0)))(shifted)

    def global_pool(self, x: tf.Tensor) -> tf.Tensor:
        return layers.GlobalAveragePooling2D()(x)

    def add(self, xs: Sequence[tf.Tensor]) -> tf.Tensor:
        return layers.Add()(xs)

    def concatenate(self, xs: Sequence[tf.Tensor]) -> tf.Tensor:
        return layers.Concatenate()(xs)

    def zeros(self, x: tf.Tensor) -> tf.Tensor:
        return layers.Rescaling(0.0)(x)


class EvaluationBlocks(TrainingBlocks):
    """Layers of the paper's learners: weight norm, LeakyReLU, batch statistics.

    Average pools count the padding, as in the official code. Depthwise kernels, which
    that code does not have, are not weight-normalised.
    """

    def activation(self, x: tf.Tensor) -> tf.Tensor:
        return layers.LeakyReLU(_SLOPE)(x)

    def norm(self, x: tf.Tensor) -> tf.Tensor:
        return BatchNorm(unbiased=True)(x)

    def conv(
        self, x: tf.Tensor, filters: int, size: Size, stride: Size = 1
    ) -> tf.Tensor:
        return WeightNormalization(_conv(filters, size, stride))(x)

    def dense(self, x: tf.Tensor, units: int) -> tf.Tensor:
        dense = layers.Dense(units, kernel_initializer=kaiming_normal())
        return WeightNormalization(dense)(x)

    def max_pool(self, x: tf.Tensor, size: int, stride: int) -> tf.Tensor:
        return MaxPool2D(size, stride, "same")(x)

    def average_pool(self, x: tf.Tensor, size: int, stride: int) -> tf.Tensor:
        before, after = (size - 1) // 2, size // 2
        x = layers.ZeroPadding2D(((before, after), (before, after)))(x)
        return layers.AveragePooling2D(size, stride)(x)


TRAINING, EVALUATION = TrainingBlocks(), EvaluationBlocks()


def _conv(filters: int, size: Size, stride: Size) -> tf.keras.layers.Layer:
    return layers.Conv2D(
        filters,
        size,
        stride,
        "same",
        use_bias=False,
        kernel_initializer=kaiming_normal(),
    )
