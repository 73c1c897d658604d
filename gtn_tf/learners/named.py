"""Fixed networks that teachers are compared on, by name."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from gtn_tf.learners.conv import ConvLearners
from gtn_tf.learners.learners import Learners
from gtn_tf.learners.mlp import MLPLearners
from gtn_tf.names import LEARNERS
from gtn_tf.shapes import ImageShape, expect_pictures, image_shape_of

layers = tf.keras.layers


def named_learner(
    name: str, image_shape: ImageShape, num_classes: int
) -> tf.keras.Model:
    """Makes one of the networks that teachers are compared on.

    `conv`, `conv_pooled` and `mlp` are of the paper's kind: weight normalization and
    mean-only batch norm. `keras_conv` and `resnet` are what a Keras user would write,
    with `BatchNormalization` and ReLU.

    Args:
        name: `"conv"`, `"conv_pooled"`, `"mlp"`, `"keras_conv"` or `"resnet"`.
        image_shape: `(height, width, channels)` of an image; `(features,)` of a line of
            a table, which only `mlp` takes.
        num_classes: Number of logits.

    Returns:
        A Keras model from images `[batch, h, w, c]` to logits `[batch, num_classes]`.

    Raises:
        ValueError: If there is no such network, or it does not take a table.

    Example:

    >>> named_learner("resnet", (28, 28, 1), 10).output_shape
    (None, 10)
    """
    make, shape = LEARNERS.load(name), image_shape_of(image_shape)
    if make is not mlp:
        expect_pictures(shape, f"learner {name}", "mlp takes a table")
    return make(shape, num_classes)


def _paper(learners: Learners) -> Callable[..., tf.keras.Model]:
    return lambda image_shape, k: learners.build(image_shape, k)[0]


conv = _paper(ConvLearners([16, 32], [64]))
conv_pooled = _paper(ConvLearners([16, 32], [], global_pooling=True))
mlp = _paper(MLPLearners([128, 64]))


def keras_conv(image_shape: tuple[int, int, int], k: int) -> tf.keras.Model:
    """Two convolutions and a hidden dense layer, as in Keras' own examples."""
    model = tf.keras.Sequential([layers.Input(image_shape)])
    for filters in (16, 32):
        model.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
        model.add(layers.MaxPool2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dense(k))
    return model


def resnet(image_shape: tuple[int, int, int], k: int) -> tf.keras.Model:
    """Three basic blocks, as in He et al. 2015 (arXiv 1512.03385), figure 5."""
    inputs = layers.Input(image_shape)
    x = layers.ReLU()(_conv_norm(inputs, 16))
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        y = layers.ReLU()(_conv_norm(x, filters, stride=stride))
        y = _conv_norm(y, filters)
        if stride > 1:
            x = _conv_norm(x, filters, size=1, stride=stride)
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling2D()(x)
    return tf.keras.Model(inputs, layers.Dense(k)(x))


def _conv_norm(x: tf.Tensor, filters: int, size: int = 3, stride: int = 1) -> tf.Tensor:
    convolution = layers.Conv2D(
        filters,
        size,
        stride,
        "same",
        use_bias=False,
        kernel_initializer="he_normal",
    )
    return layers.BatchNormalization()(convolution(x))
