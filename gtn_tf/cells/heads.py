"""The heads of networks of cells: logits, and auxiliary ones from the middle."""

from __future__ import annotations

import tensorflow as tf

from gtn_tf.cells.blocks import TrainingBlocks
from gtn_tf.cells.drops import Drops

layers = tf.keras.layers

_AUXILIARY_FILTERS = 128, 768


def classifier(
    inputs: tf.Tensor,
    features: tf.Tensor,
    num_classes: int,
    blocks: TrainingBlocks,
    drops: Drops,
    auxiliary: tf.Tensor | None = None,
) -> tf.keras.Model:
    """Pools the last features and adds the heads.

    Args:
        inputs: Images of the network.
        features: `[batch, h, w, c]`, before the last activation.
        num_classes: Number of logits.
        blocks: Kind of the layers.
        drops: Dropout of the pooled features.
        auxiliary: `[batch, h, w, c]` from the middle of the network, if it has an
            auxiliary head there.

    Returns:
        A Keras model to logits, or to a dictionary of two, `logits` and `auxiliary`.
    """
    x = drops.features(blocks.pooled_features(features))
    logits = _output(blocks.dense(x, num_classes), "logits")
    if auxiliary is None:
        return tf.keras.Model(inputs, logits)
    second = _auxiliary_head(auxiliary, num_classes, blocks)
    return tf.keras.Model(inputs, {"logits": logits, "auxiliary": second})


def _auxiliary_head(
    x: tf.Tensor, num_classes: int, blocks: TrainingBlocks
) -> tf.Tensor:
    """Logits from the middle of a network, as in NASNet; smaller for small images."""
    few, many = _AUXILIARY_FILTERS
    x = blocks.activation(x)
    size = min(5, *x.shape[1:3])
    x = layers.AveragePooling2D(size, 3)(x)
    x = blocks.activation(blocks.norm(layers.Conv2D(few, 1, use_bias=False)(x)))
    size = min(2, *x.shape[1:3])
    x = blocks.activation(blocks.norm(layers.Conv2D(many, size, use_bias=False)(x)))
    return _output(blocks.dense(layers.Flatten()(x), num_classes), "auxiliary")


def _output(x: tf.Tensor, name: str) -> tf.Tensor:
    """Names an output; in mixed precision, logits are float32 again."""
    policy = tf.keras.mixed_precision.global_policy()
    return layers.Activation("linear", dtype=policy.variable_dtype, name=name)(x)
