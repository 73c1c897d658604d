"""The features that a network's last dense layer sees, of any Keras model."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.functional import PureModel

Call = tuple[tf.Tensor, tf.Tensor]  # what a layer was given, and what it returned


def penultimate(
    network: PureModel,
    weights: Sequence[tf.Tensor],
    statistics: Sequence[tf.Tensor],
    images: tf.Tensor,
) -> Call:
    """The features of a network in evaluation mode, and its logits.

    The last layer is found by running the network: it is the dense one whose output is
    the network's own, so that it does not matter how its Keras model was made.

    Args:
        network: Any, with a dense layer at its end, weight-normalised or not.
        weights: As for a call of the network.
        statistics: Likewise.
        images: `[n, h, w, c]`.

    Returns:
        The features `[n, size]` and the logits `[n, num_classes]`.

    Raises:
        ArgumentError: If the network does not end with a dense layer.

    Example:

    >>> layers = [tf.keras.layers.Dense(5, input_shape=[2]), tf.keras.layers.Dense(3)]
    >>> network = PureModel(tf.keras.Sequential(layers))
    >>> features, logits = penultimate(network, network.trainable, [], tf.ones([4, 2]))
    >>> features.shape.as_list(), logits.shape.as_list()
    ([4, 5], [4, 3])
    """
    with _recorded(_dense_layers(network.model)) as calls:
        logits, _ = network(weights, statistics, images, training=False)
    for features, outputs in calls:
        if outputs is logits and features.shape.rank == 2:
            return features, logits
    raise ArgumentError(
        f"learner {network.model.name!r}: expected a dense layer at its end, whose "
        "inputs are its features, and logits of its own without an activation layer "
        "after it, received another last layer"
    )


def _dense_layers(model: tf.keras.Model) -> list[tf.keras.layers.Layer]:
    """All dense layers, and the layers around them, such as `WeightNormalization`."""
    dense = tf.keras.layers.Dense
    return [
        layer
        for layer in model.submodules
        if isinstance(layer, dense) or isinstance(getattr(layer, "layer", None), dense)
    ]


@contextlib.contextmanager
def _recorded(layers: Sequence[tf.keras.layers.Layer]) -> Iterator[list[Call]]:
    """Collects the calls of layers within the context."""
    calls: list[Call] = []
    for layer in layers:
        # Past Keras, which would take it for a part of the layer to be saved.
        vars(layer)["call"] = _recording(layer.call, calls)
    try:
        yield calls
    finally:
        for layer in layers:
            del vars(layer)["call"]


def _recording(call: Callable[..., Any], calls: list[Call]) -> Callable[..., Any]:
    @tf.autograph.experimental.do_not_convert
    def recording(inputs: tf.Tensor, *args: Any, **kwargs: Any) -> tf.Tensor:
        outputs = call(inputs, *args, **kwargs)
        calls.append((inputs, outputs))
        return outputs

    return recording
