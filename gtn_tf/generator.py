"""The generator network: noise and a label become an image (paper, section 3)."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from gtn_tf.layers import BatchNorm, UpsampleConv2D, WeightNormalization
from gtn_tf.precision import expect_full_precision
from gtn_tf.shapes import ImageShape, image_shape_of, is_vector

_SLOPE = 0.1  # of every LeakyReLU
_RANGE = 2.0  # images lie in [-2, 2], about the spread of normalised data


@tf.keras.utils.register_keras_serializable("gtn_tf")
class Generator(tf.keras.Model):
    """Two dense and two convolutional layers; `2 * tanh` at the end.

    For a table: three dense layers, with the same norms.

    A leading axis before the batch holds independent batches: a whole curriculum
    passes in one call, and in training each batch is normalised by its own
    statistics.

    Args:
        image_shape: `(height, width, channels)` of an image, or `(height, width)` of a
            grey one; `(features,)` of a line of a table.
        num_classes: Number of classes.
        latent_size: Size of `z`, the noise.
        units: Units of the first dense layer; for a table, also of the second.
        filters: Channels of the first convolution; its input has twice as many. A
            table needs none.
        weight_norm: Whether every layer is weight-normalised.
        **kwargs: Passed to `tf.keras.Model`.

    Example:

    >>> generator = Generator((8, 8, 1), num_classes=10, latent_size=16)
    >>> z, labels = tf.zeros([3, 16]), tf.constant([0, 1, 2])
    >>> generator((z, labels)).shape
    TensorShape([3, 8, 8, 1])
    """

    def __init__(
        self,
        image_shape: ImageShape,
        num_classes: int,
        latent_size: int = 64,
        units: int = 128,
        filters: int = 32,
        weight_norm: bool = True,
        **kwargs: Any,
    ) -> None:
        expect_full_precision()
        super().__init__(**kwargs)
        self.image_shape = image_shape_of(image_shape)
        self.num_classes = num_classes
        self.latent_size = latent_size
        self.units = units
        self.filters = filters
        self.weight_norm = weight_norm
        # Two doublings reach at least the image's size; the surplus is cut off.
        sides = [-(-side // 4) for side in self.image_shape[:2]]
        self._base = () if self._is_dense else (*sides, 2 * filters)
        size = units if self._is_dense else math.prod(self._base)

        def wrap(layer: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
            return WeightNormalization(layer) if weight_norm else layer

        self.dense_1 = wrap(tf.keras.layers.Dense(units, use_bias=False))
        self.norm_1 = BatchNorm()
        self.dense_2 = wrap(tf.keras.layers.Dense(size, use_bias=False))
        self.norm_2 = BatchNorm()
        if self._is_dense:
            self.dense_3 = wrap(tf.keras.layers.Dense(self.image_shape[0]))
        else:
            self.conv_1 = wrap(UpsampleConv2D(filters, use_bias=False))
            self.norm_3 = BatchNorm()
            self.conv_2 = wrap(UpsampleConv2D(self.image_shape[2]))
        # One call makes the weights, so that they can be counted and loaded.
        self((tf.zeros([1, latent_size]), tf.zeros([1], tf.int32)))

    def call(
        self, inputs: tuple[tf.Tensor, tf.Tensor], training: bool = False
    ) -> tf.Tensor:
        """Makes images.

        Args:
            inputs: Latents `[..., batch, latent_size]` and integer labels
                `[..., batch]`.
            training: Whether batch norms use the statistics of each batch or the
                fixed ones.

        Returns:
            Images `[..., batch, h, w, c]`, or `[..., batch, features]`, between -2 and
            2.
        """
        latents, labels = inputs
        one_hot = tf.one_hot(labels, self.num_classes, dtype=latents.dtype)
        x = tf.concat([latents, one_hot], axis=-1)
        x = _leaky(self.norm_1(self.dense_1(x), training=training))
        x = _leaky(self.norm_2(self.dense_2(x), training=training))
        if self._is_dense:
            return _RANGE * tf.tanh(self.dense_3(x))  # [..., batch, features]
        x = tf.reshape(x, tf.concat([tf.shape(labels), self._base], axis=0))
        x = tf.ensure_shape(x, labels.shape + self._base)
        x = self.conv_1(x)  # [..., batch, h / 2, w / 2, filters]
        x = _leaky(self.norm_3(x, training=training))
        x = self.conv_2(x)  # [..., batch, >=h, >=w, c]
        height, width = self.image_shape[:2]
        return _RANGE * tf.tanh(x[..., :height, :width, :])

    @property
    def _is_dense(self) -> bool:
        return is_vector(self.image_shape)

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Does nothing: Keras calls it when loading, and `__init__` has built all."""

    def activation_bytes(self, images: int) -> int:
        """Estimates the bytes stored for a backward pass over `images`."""
        if self._is_dense:  # what the norms and activations of two layers store
            return images * self.units * 2 * 4 * 4
        height, width = self.image_shape[:2]
        # At a quarter of the pixels: inputs and outputs of the convolutions, and what
        # the norms and activations between them store. Measured.
        return images * height * width * self.filters * 4 * 2

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "image_shape": self.image_shape,
            "num_classes": self.num_classes,
            "latent_size": self.latent_size,
            "units": self.units,
            "filters": self.filters,
            "weight_norm": self.weight_norm,
        }


def _leaky(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.leaky_relu(x, _SLOPE)
