"""The base of `WeightNormalization` where there is no TensorFlow Addons.

Addons has no wheel for Python 3.12 and later. Variables, their order and the
configuration are those of tfa's wrapper, so that checkpoints and saved models made with
one are read by the other.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf


class WeightNormalizationBase(tf.keras.layers.Wrapper):
    """Adds the scale `g` of weight normalization to a layer with a `kernel`.

    It has no `call` of its own: `gtn_tf.layers.WeightNormalization` has.

    Args:
        layer: A Keras layer with a `kernel`, such as `Dense` or `Conv2D`.
        data_init: As in tfa, for its configuration; only `False` is supported.
        **kwargs: Passed to `tf.keras.layers.Layer`.

    Example:

    >>> layer = WeightNormalizationBase(tf.keras.layers.Dense(3))
    >>> layer.build([None, 4])
    >>> [variable.name for variable in layer.variables]
    ['g:0', 'kernel:0', 'bias:0', 'initialized:0']
    """

    def __init__(
        self, layer: tf.keras.layers.Layer, data_init: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(layer, **kwargs)
        self.data_init = data_init

    def build(self, input_shape: Any) -> None:
        """Makes the variables, in tfa's order.

        Args:
            input_shape: Shape of the wrapped layer's inputs.
        """
        if not self.layer.built:
            self.layer.build(input_shape)
        kernel = self.layer.kernel
        self.layer_depth = int(kernel.shape[-1])
        self.kernel_norm_axes = list(range(kernel.shape.rank - 1))
        # `g` before `v`: weights are in the order in which they became attributes.
        self.g = self.add_weight(
            name="g",
            shape=[self.layer_depth],
            initializer="ones",
            dtype=kernel.dtype,
        )
        self.v = kernel
        self._initialized = self.add_weight(
            name="initialized",
            shape=[],
            initializer="zeros",
            dtype=tf.bool,
            trainable=False,
        )
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """Shape of the wrapped layer's outputs.

        Args:
            input_shape: Shape of its inputs.
        """
        return tf.TensorShape(self.layer.compute_output_shape(input_shape))

    def get_config(self) -> dict[str, Any]:
        """Its arguments, as tfa's wrapper has them."""
        return {**super().get_config(), "data_init": self.data_init}
