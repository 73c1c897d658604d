"""Max-pooling whose first and second derivatives are fast on a CPU."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


@tf.keras.utils.register_keras_serializable("gtn_tf")
class MaxPool2D(tf.keras.layers.MaxPool2D):
    """Keras' max-pooling with a faster gradient; the values are the same.

    oneDNN's gradient of a max-pooling is ten times as fast as TensorFlow's own, but
    TensorFlow uses it only where it visits the pooling before its gradient in the same
    graph, and inside a loop it may visit them in any order. Here the gradient pools
    once more, in a function of its own.

    Example:

    >>> layer = MaxPool2D(pool_size=3, strides=2, padding="same")
    >>> layer(tf.zeros([7, 8, 8, 3])).shape
    TensorShape([7, 4, 4, 3])
    """

    def build(self, input_shape: tf.TensorShape) -> None:
        super().build(input_shape)
        self._pooling = _Pooling(self.pool_size, self.strides, self.padding)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self._pooling.pool(inputs)


class _Pooling:
    """Max-pooling as a linear map, given the maxima of an image, and its transpose."""

    def __init__(
        self, size: tuple[int, int], strides: tuple[int, int], padding: str
    ) -> None:
        self._window = {
            "ksize": [1, *size, 1],
            "strides": [1, *strides, 1],
            "padding": padding.upper(),
        }
        self._own_graph = tf.function(
            self._transpose,
            autograph=False,
            experimental_attributes={"_noinline": True},
        )

    def pool(self, x: tf.Tensor) -> tf.Tensor:
        """The maximum of each window."""

        @tf.custom_gradient
        def run(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
            pooled = tf.raw_ops.MaxPool(input=x, **self._window)
            return pooled, lambda upstream: self._put(x, upstream)

        return run(x)

    def _put(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Puts each value of `y` where `x` is the maximum of its window."""

        @tf.custom_gradient
        def run(y: tf.Tensor) -> tuple[tf.Tensor, Any]:
            return self._own_graph(x, y), lambda upstream: self._pick(x, upstream)

        return run(y)

    def _pick(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Picks each window's value of `y` where `x` is the maximum."""

        @tf.custom_gradient
        def run(y: tf.Tensor) -> tuple[tf.Tensor, Any]:
            pooled = tf.raw_ops.MaxPool(input=x, **self._window)
            picked = tf.raw_ops.MaxPoolGradGrad(
                orig_input=x, orig_output=pooled, grad=y, **self._window
            )
            return picked, lambda upstream: self._put(x, upstream)

        return run(y)

    def _transpose(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        pooled = tf.raw_ops.MaxPool(input=x, **self._window)
        return tf.raw_ops.MaxPoolGrad(
            orig_input=x, orig_output=pooled, grad=y, **self._window
        )
