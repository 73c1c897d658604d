"""The layers that cells are made of, in two kinds."""

from __future__ import annotations

from typing import Union

import tensorflow as tf

from gtn_tf.layers import BatchNorm, MaxPool2D, WeightNormalization, kaiming_normal

layers = tf.keras.layers
Size = Union[int, tuple[int, int]]

_SLOPE = 0.1  # of LeakyReLU


class TrainingBlocks:
    """Layers for a full training: ReLU, and Keras' `BatchNormalization`."""

    def activation(self, x: tf.Tensor) -> tf.Tensor:
        """The nonlinearity before a convolution and before the head."""
        return layers.ReLU()(x)

    def norm(self, x: tf.Tensor) -> tf.Tensor:
        """Batch norm."""
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)

    def conv(
        self, x: tf.Tensor, filters: int, size: Size, stride: Size = 1
    ) -> tf.Tensor:
        """A convolution without bias."""
        return _conv(filters, size, stride)(x)

    def dense(self, x: tf.Tensor, units: int) -> tf.Tensor:
        """The layer of the logits."""
        return layers.Dense(units)(x)

    def max_pool(self, x: tf.Tensor, size: int, stride: int) -> tf.Tensor:
        """Max-pooling; outside the image there is nothing."""
        return layers.MaxPool2D(size, stride, "same")(x)

    def average_pool(self, x: tf.Tensor, size: int, stride: int) -> tf.Tensor:
        """Average pooling over the pixels inside the image."""
        return layers.AveragePooling2D(size, stride, "same")(x)

    def factorized_reduce(self, x: tf.Tensor, filters: int) -> tf.Tensor:
        """Halves height and width: two strided 1x1 convolutions, one pixel apart."""
        x = layers.ReLU()(x)
        shifted = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
        shifted = layers.Cropping2D(((1, 0), (1, 0)))(shifted)
        width = (filters + 1) // 2
        x = self.conv(x, width, 1, 2)
        if filters > 1:
            x = layers.Concatenate()([x, self.conv(shifted, filters - width, 1, 2)])
        return self.norm(x)

    def conv_norm(
        self, x: tf.Tensor, filters: int, size: Size, stride: Size = 1
    ) -> tf.Tensor:
        """Activation, convolution, batch norm."""
        return self.norm(self.conv(self.activation(x), filters, size, stride))

    def separable(
        self, x: tf.Tensor, filters: int, size: int, stride: int
    ) -> tf.Tensor:
        """A depthwise and a 1x1 convolution, twice, as in NASNet."""
        for stride_now in (stride, 1):
            x = self.activation(x)
            x = layers.DepthwiseConv2D(size, stride_now, "same", use_bias=False)(x)
            x = self.norm(self.conv(x, filters, 1))
        return x

    def dilated(self, x: tf.Tensor, filters: int, size: int, stride: int) -> tf.Tensor:
        """A depthwise convolution with holes and a 1x1 convolution, as in DARTS."""
        depthwise = layers.DepthwiseConv2D(
            size, padding="same", use_bias=False, dilation_rate=2
        )
        x = depthwise(self.activation(x))
        if stride > 1:  # TensorFlow has no stride beside a dilation
            x = layers.MaxPool2D(1, stride)(x)  # every other pixel
        return self.norm(self.conv(x, filters, 1))


class EvaluationBlocks(TrainingBlocks):
    """Layers of the paper's learners: weight norm, LeakyReLU, batch statistics.

    Average pools count the padding, as in the official code. Depthwise kernels, which
    its space does not have, are not weight-normalised.
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
