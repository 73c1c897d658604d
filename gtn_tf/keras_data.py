"""Images, labels and sample weights, in every form that Keras takes."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from gtn_tf.labels import expect_labels
from gtn_tf.shapes import with_channels


def expect_data(x: Any, y: Any, image_shape: tuple[int, ...], num_classes: int) -> None:
    """Checks the data of `fit`, as far as it can be inspected before tracing.

    Args:
        x: Images, or a `tf.data.Dataset` of images and labels. A generator, or another
            input of Keras, is not checked.
        y: Labels; None with a dataset.
        image_shape: `(height, width, channels)`.
        num_classes: Number of classes.

    Raises:
        ArgumentError: If images or labels have another shape, or labels are missing.

    Example:

    >>> data = tf.data.Dataset.from_tensors((tf.zeros([5, 8, 8, 3]), tf.zeros([5])))
    >>> expect_data(data, None, (8, 8, 1), num_classes=10)
    Traceback (most recent call last):
        ...
    gtn_tf.errors.ArgumentError: expected images [8, 8, 1], as the teacher's are, \
received [8, 8, 3]
    """
    if isinstance(x, tf.data.Dataset):
        x, y, *_ = tf.keras.utils.unpack_x_y_sample_weight(x.element_spec)
    elif not hasattr(x, "shape"):
        return
    with_channels(x, image_shape)
    expect_labels(y, num_classes)


def labels_of(x: Any, y: Any) -> Any:
    """The labels of what `fit` takes, or None where only running it would tell.

    Args:
        x: Images, a `tf.data.Dataset`, or another input of Keras.
        y: Labels; None with a dataset.
    """
    if isinstance(x, tf.data.Dataset):
        y = tf.keras.utils.unpack_x_y_sample_weight(x.element_spec)[1]
    return y if hasattr(y, "shape") else None


def unpack(data: Any, image_shape: tuple[int, ...]) -> tuple[tf.Tensor, ...]:
    """Unpacks a batch, as Keras passes it to `train_step`.

    Args:
        data: Images, labels and sample weights, if any.
        image_shape: `(height, width, channels)`.

    Returns:
        Images `[n, h, w, c]`, labels in any form and, if there are any, sample weights
        `[n]`.

    Example:

    >>> images, labels = unpack((tf.zeros([5, 8, 8]), tf.zeros([5])), (8, 8, 1))
    >>> images.shape
    TensorShape([5, 8, 8, 1])
    """
    images, labels, weights = tf.keras.utils.unpack_x_y_sample_weight(data)
    batch = with_channels(images, image_shape), labels
    return batch if weights is None else (*batch, weights)
