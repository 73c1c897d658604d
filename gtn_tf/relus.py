"""Which ReLUs of a network two images both activate, or neither."""

from __future__ import annotations

from collections.abc import Iterable

import tensorflow as tf

_RELUS = (tf.keras.layers.ReLU, tf.keras.layers.LeakyReLU, tf.keras.layers.PReLU)


def relu_outputs(model: tf.keras.Model) -> list[tf.Tensor]:
    """The outputs of a network's ReLU layers, and of layers that end in a ReLU.

    Args:
        model: A functional or Sequential model.

    Returns:
        Keras tensors, for another model of the same layers.
    """
    return [layer.output for layer in model.layers if _is_relu(layer)]


def agreements(activations: Iterable[tf.Tensor], images: int) -> tf.Tensor:
    """In how many ReLUs each two images agree: it is active for both, or for neither.

    Args:
        activations: Outputs of ReLUs, each `[images, ...]`.
        images: Their number.

    Returns:
        float64 `[images, images]`.

    Example:

    >>> agreements([tf.constant([[0.0, 2.0, 1.0], [1.0, 3.0, 0.5]])], 2).numpy()
    array([[3., 2.],
           [2., 3.]])
    """
    total = tf.zeros([images, images], tf.float64)
    for one in activations:
        active = tf.cast(tf.reshape(one, [images, -1]) > 0, tf.float64)
        sign = 2 * active - 1
        count = tf.cast(tf.shape(sign)[1], tf.float64)
        total += (count + tf.matmul(sign, sign, transpose_b=True)) / 2
    return total


def _is_relu(layer: tf.keras.layers.Layer) -> bool:
    activation = getattr(layer, "activation", None)
    return isinstance(layer, _RELUS) or activation is tf.keras.activations.relu
