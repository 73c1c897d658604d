"""Weight normalization `W = g * V / ||V||` (paper, section 3.2).

The only module that imports TensorFlow Addons, where there is one.
"""

from __future__ import annotations

import warnings
from typing import Any

import tensorflow as tf

from gtn_tf.layers.without_addons import WeightNormalizationBase

_Base: Any
try:
    with warnings.catch_warnings():
        # Addons announces its end of life at every import. The pin is deliberate.
        warnings.filterwarnings("ignore", message=r"\s*TensorFlow Addons \(TFA\)")
        import tensorflow_addons as tfa
except ModuleNotFoundError:  # there is none for Python 3.12 and later
    _Base = WeightNormalizationBase
else:
    _Base = tfa.layers.WeightNormalization


@tf.keras.utils.register_keras_serializable("gtn_tf")
class WeightNormalization(_Base):
    """tfa's wrapper with a call that changes nothing.

    tfa's own `call` assigns `g` on first use and leaves the wrapped layer's
    `kernel` replaced by a tensor, so it can be neither a pure function of its
    weights nor part of a recomputed step. Here `g = ||V||` from `build` on,
    and the normalized kernel stands in for the variable only during the call.

    Args:
        layer: A Keras layer with a `kernel`, such as `Dense` or `Conv2D`.
        **kwargs: Passed to `tf.keras.layers.Layer`. Data-dependent
            initialization is always off, as in the paper.

    Example:

    >>> layer = WeightNormalization(tf.keras.layers.Dense(3))
    >>> layer(tf.ones([2, 4])).shape
    TensorShape([2, 3])
    """

    def __init__(self, layer: tf.keras.layers.Layer, **kwargs: Any) -> None:
        kwargs.pop("data_init", None)  # written by tfa's get_config
        super().__init__(layer, data_init=False, **kwargs)

    def build(self, input_shape: tf.TensorShape) -> None:
        super().build(input_shape)
        # tfa fixes the rank and every axis; the wrapped layer asks for less.
        self.input_spec = self.layer.input_spec
        self.g.assign(self.scale_of(self.v))
        self._initialized.assign(True)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        if self._has_fewer_outputs_than_weights(inputs):
            # Scaling the outputs is the same, and all its derivatives are cheaper.
            squares = tf.reduce_sum(tf.square(self.v), axis=self.kernel_norm_axes)
            # The floor is that of `l2_normalize`: a unit without weights gives zeros.
            scale = tf.math.rsqrt(tf.maximum(squares, 1e-12)) * self.g
            outputs = tf.matmul(inputs, self.v) * scale
            if self.layer.use_bias:
                outputs += self.layer.bias
            return self.layer.activation(outputs)
        attributes = self.layer.__dict__
        kernel = attributes["kernel"]
        attributes["kernel"] = (
            tf.nn.l2_normalize(self.v, axis=self.kernel_norm_axes) * self.g
        )
        try:
            return self.layer.call(inputs)
        finally:
            attributes["kernel"] = kernel

    def _has_fewer_outputs_than_weights(self, inputs: tf.Tensor) -> bool:
        dense = type(self.layer) is tf.keras.layers.Dense and inputs.shape.rank == 2
        rows, weights = inputs.shape[0], self.v.shape[0]
        # In a super-network, the inputs of the head are counted only in the graph.
        known = rows is not None and weights is not None
        return dense and known and rows < weights

    def scale_of(self, v: tf.Tensor) -> tf.Tensor:
        """The `g = ||V||` that makes a fresh layer equal the plain one.

        Args:
            v: Direction `V`, of the kernel's shape `[..., out]`.

        Returns:
            The norm of each output unit, of shape `[out]`.
        """
        return tf.linalg.norm(tf.reshape(v, [-1, self.layer_depth]), axis=0)
