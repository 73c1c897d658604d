"""Upsampling and convolution in one (paper's generator), without the large image."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf


@tf.keras.utils.register_keras_serializable("gtn_tf")
class UpsampleConv2D(tf.keras.layers.Layer):
    """Doubles height and width by repetition, then convolves with a 3x3 kernel.

    The same as `UpSampling2D`, reflection padding by one pixel and a `Conv2D` without
    padding. But a repeated pixel is the same number four times, so that every output
    pixel needs only 2x2 input pixels and sums of the kernel's taps: 4/9 of the
    multiplications, on images of a quarter of the size. Rows, with kernel taps k:

        even row 2i:     k[0] x[i-1] + (k[1] + k[2]) x[i]
        odd row 2i + 1:  (k[0] + k[1]) x[i] + k[2] x[i+1]

    and the same for columns. Reflected beyond the border, `x[-1]` is `x[0]`.

    Args:
        filters: Output channels.
        use_bias: Whether a bias is added.
        **kwargs: Passed to `tf.keras.layers.Layer`.

    Example:

    >>> layer = UpsampleConv2D(filters=5)
    >>> layer(tf.zeros([7, 4, 4, 3])).shape
    TensorShape([7, 8, 8, 5])
    """

    def __init__(self, filters: int, use_bias: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.use_bias = use_bias

    def build(self, input_shape: tf.TensorShape) -> None:
        channels = input_shape[-1]
        self.kernel = self.add_weight("kernel", [3, 3, channels, self.filters])
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight("bias", [self.filters], initializer="zeros")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps `[..., h, w, c]` to `[..., 2 * h, 2 * w, filters]`."""
        height, width, channels = inputs.shape[-3:]
        around = tf.shape(inputs)[:-3]
        pixels = tf.reshape(inputs, [-1, height * width, channels])
        pixels = _repeat_border(pixels, height, width)  # [n, h + 2, w + 2, c]
        kernel = tf.reshape(_sum_taps(self.kernel), [2, 2, channels, -1])
        x = tf.nn.conv2d(pixels, kernel, 1, "VALID")  # [n, h + 1, w + 1, 4 * filters]
        x = tf.reshape(x, [-1, (height + 1) * (width + 1) * 4, self.filters])
        x = _interleave(x, height, width)  # [n, 4 * h * w, filters]
        if self.use_bias:
            x += self.bias
        shape = [2 * height, 2 * width, self.filters]
        x = tf.reshape(x, tf.concat([around, shape], axis=0))
        return tf.ensure_shape(x, inputs.shape[:-3] + shape)

    def get_config(self) -> dict[str, Any]:
        config = {"filters": self.filters, "use_bias": self.use_bias}
        return {**super().get_config(), **config}


def _sum_taps(kernel: tf.Tensor) -> tf.Tensor:
    """The kernel of each of 2x2 output pixels, from `[3, 3, c, filters]`.

    Its shape is `[2, 2, c, 2, 2, filters]`: row and column of the input pixel, its
    channel, and whether row and column of the output pixel are odd.
    """
    for axis, parity in ((0, 3), (1, 4)):
        first, second, third = tf.unstack(kernel, axis=axis)
        even = tf.stack([first, second + third], axis)
        odd = tf.stack([first + second, third], axis)
        kernel = tf.stack([even, odd], parity)
    return kernel


# Both functions below move whole pixels, which one gather does at once. The gradient
# that TensorFlow has for a gather is slow and adds pixels in no fixed order.


def _repeat_border(pixels: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Repeats the border once: `[n, h * w, c]` becomes `[n, h + 2, w + 2, c]`."""
    rows = np.clip(np.arange(-1, height + 1), 0, height - 1)
    columns = np.clip(np.arange(-1, width + 1), 0, width - 1)
    sources = rows[:, None] * width + columns
    channels = pixels.shape[-1]

    def fold(x: tf.Tensor, axis: int) -> tf.Tensor:
        """Adds the first and the last entry of an axis to their neighbours."""
        inner = x.shape[axis] - 2
        if inner == 1:
            return tf.reduce_sum(x, axis, keepdims=True)
        first, second, middle, last, end = tf.split(x, [1, 1, inner - 2, 1, 1], axis)
        return tf.concat([first + second, middle, last + end], axis)

    @tf.custom_gradient
    def run(pixels: tf.Tensor) -> tuple[tf.Tensor, Any]:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            folded = fold(fold(upstream, 1), 2)
            return tf.reshape(folded, [-1, height * width, channels])

        return tf.gather(pixels, sources, axis=1), gradient

    return run(pixels)


def _interleave(pixels: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Interleaves the four pixels that each place has become.

    An even row `2i` is the even half of the convolution's row `i`, an odd row
    `2i + 1` the odd half of its row `i + 1`; columns likewise.

    Args:
        pixels: `[n, (h + 1) * (w + 1) * 4, c]`.
        height: Rows of the image before doubling, h.
        width: Its columns, w.

    Returns:
        `[n, 2h * 2w, c]`.
    """
    made = np.arange((height + 1) * (width + 1) * 4)
    rows, columns = np.ogrid[: 2 * height, : 2 * width]
    at = (rows // 2 + rows % 2) * (width + 1) + columns // 2 + columns % 2
    sources = (at * 4 + rows % 2 * 2 + columns % 2).ravel()
    targets = np.zeros_like(made)
    targets[sources] = np.arange(sources.size)
    used = np.isin(made, sources)[:, None]

    @tf.custom_gradient
    def run(pixels: tf.Tensor) -> tuple[tf.Tensor, Any]:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            return tf.gather(upstream, targets, axis=1) * tf.cast(used, upstream.dtype)

        return tf.gather(pixels, sources, axis=1), gradient

    return run(pixels)
