"""Labels in every form that Keras takes: `[n]`, `[n, 1]`, one-hot or soft."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.legacy_keras import is_of_keras


def as_integers(labels: Any) -> tf.Tensor:
    """The class of each example.

    Args:
        labels: Integers `[n]` or `[n, 1]`, or probabilities of the classes, `[n, k]`.

    Returns:
        Integers `[n]`. Of soft labels, the most probable class.

    Example:

    >>> as_integers([[2], [0]]).numpy().tolist()
    [2, 0]
    >>> as_integers([[0.1, 0.9], [0.8, 0.2]]).numpy().tolist()
    [1, 0]
    """
    labels = tf.convert_to_tensor(labels)
    if labels.shape.rank != 2:
        return labels
    if labels.shape[1] == 1:
        return labels[:, 0]
    return tf.argmax(labels, axis=-1, output_type=tf.int32)


def as_probabilities(labels: Any, num_classes: int, dtype: tf.DType) -> tf.Tensor:
    """The probabilities of the classes of each example, `[n, k]`.

    Args:
        labels: As for `as_integers`.
        num_classes: Number of classes, k.
        dtype: Of the result.

    Example:

    >>> as_probabilities([2, 0], 3, tf.float32).numpy().tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    labels = tf.convert_to_tensor(labels)
    if _are_probabilities(labels):
        return tf.cast(labels, dtype)
    classes = tf.cast(as_integers(labels), tf.int32)
    return tf.one_hot(classes, num_classes, dtype=dtype)


def classes_of_lessons(labels: np.ndarray) -> np.ndarray:
    """The class of each image of a curriculum: of soft labels, the most probable.

    Args:
        labels: Integers `[steps, batch]`, or probabilities `[steps, batch, k]`.

    Returns:
        Integers `[steps, batch]`.
    """
    return labels.argmax(axis=-1) if labels.ndim == 3 else labels


def expect_labels(labels: Any, num_classes: int) -> None:
    """Checks labels, as far as their shape and values are known.

    Args:
        labels: An array, a tensor, or the `tf.TensorSpec` of one.
        num_classes: Number of classes, k.

    Raises:
        ArgumentError: If they have another shape, or name other classes.

    Example:

    >>> expect_labels(np.array([0, 3]), num_classes=3)
    Traceback (most recent call last):
        ...
    gtn_tf.errors.ArgumentError: expected labels from 0 to 2, received 0 to 3
    """
    if labels is None:
        raise ArgumentError("expected images and labels, received images alone")
    shape = tf.TensorShape(getattr(labels, "shape", np.shape(labels)))
    if shape.rank is None:
        return
    if shape.rank not in (1, 2) or (
        shape.rank == 2 and shape[1] not in (1, num_classes, None)
    ):
        raise ArgumentError(
            f"expected labels [n], [n, 1], or [n, {num_classes}] with probabilities "
            f"of the classes, received {shape.as_list()}"
        )
    known = isinstance(labels, (np.ndarray, list)) and len(labels)
    if known and (shape.rank == 1 or shape[1] == 1):
        low, high = np.min(labels), np.max(labels)
        if not 0 <= low <= high < num_classes:
            raise ArgumentError(
                f"expected labels from 0 to {num_classes - 1}, received {low} to {high}"
            )


@tf.keras.utils.register_keras_serializable("gtn_tf")
def accuracy(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    """Keras' `"accuracy"` for labels in any form, even when the form changes.

    Args:
        y_true: Labels, as for `as_integers`.
        y_pred: Logits or probabilities `[n, k]`.

    Returns:
        float32 `[n]`, 1 where the largest output is that of the label.
    """
    classes = tf.cast(as_integers(y_true), tf.int32)
    found = tf.argmax(y_pred, axis=-1, output_type=tf.int32)
    return tf.cast(classes == found, tf.float32)


@tf.keras.utils.register_keras_serializable("gtn_tf")
class AnyLabels(tf.keras.losses.Loss):
    """A Keras loss that takes labels in any form.

    A teacher's labels are integers; those of the real data may be one-hot or smoothed,
    and the loss may expect either. Labels are converted to the form that the loss
    takes; a user's own function gets them unchanged.

    Args:
        loss: As for `tf.keras.Model.compile`; cross-entropy of logits by default.

    Example:

    >>> loss = AnyLabels(tf.keras.losses.CategoricalCrossentropy(from_logits=True))
    >>> logits = tf.constant([[0.0, 2.0]])
    >>> float(loss([1], logits)) == float(loss([[0.0, 1.0]], logits))
    True
    """

    def __init__(self, loss: Any = None, **kwargs: Any) -> None:
        loss = loss or tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        loss = tf.keras.losses.get(loss)
        reduction = getattr(loss, "reduction", tf.keras.losses.Reduction.AUTO)
        super().__init__(**{"reduction": reduction, **kwargs})
        self.loss = loss

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """The loss of each example, `[n]`; Keras calls it."""
        y_true = tf.convert_to_tensor(y_true)
        loss = (
            self.loss.call if isinstance(self.loss, tf.keras.losses.Loss) else self.loss
        )
        function = getattr(self.loss, "fn", self.loss)
        addons = getattr(function, "__module__", "").startswith("tensorflow_addons")
        if not (addons or is_of_keras(function)):
            return loss(y_true, y_pred)
        sparse = function is tf.keras.losses.sparse_categorical_crossentropy
        if sparse and not _are_probabilities(y_true):
            return loss(as_integers(y_true), y_pred)
        y_true = as_probabilities(y_true, y_pred.shape[-1], y_pred.dtype)
        settings = self._settings()
        if settings.get("from_logits") and (
            sparse or function is tf.keras.losses.categorical_crossentropy
        ):
            return _cross_entropy(y_true, y_pred, settings.get("label_smoothing", 0.0))
        if sparse:
            return tf.keras.losses.categorical_crossentropy(y_true, y_pred)
        return loss(y_true, y_pred)

    def mean(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, weights: tf.Tensor | None = None
    ) -> tf.Tensor:
        """The mean over a batch, as Keras weights it, in any `tf.distribute` strategy.

        Args:
            y_true: Labels in any form.
            y_pred: Logits `[n, k]`.
            weights: `[n]`; 1 for all by default.

        Returns:
            Scalar: the sum of all weighted losses, divided by n.
        """
        losses = self.call(y_true, y_pred)
        if weights is not None:
            losses *= tf.cast(tf.reshape(weights, [-1]), losses.dtype)
        return tf.reduce_mean(losses)

    def _settings(self) -> dict[str, Any]:
        if not isinstance(self.loss, tf.keras.losses.Loss):
            return {}
        return self.loss.get_config()

    def get_config(self) -> dict[str, Any]:
        loss = tf.keras.saving.serialize_keras_object(self.loss)
        return {**super().get_config(), "loss": loss}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> AnyLabels:
        loss = tf.keras.saving.deserialize_keras_object(config["loss"])
        return cls(**{**config, "loss": loss})


def _are_probabilities(labels: tf.Tensor) -> bool:
    return labels.shape.rank == 2 and labels.shape[1] != 1


def _cross_entropy(
    labels: tf.Tensor, logits: tf.Tensor, label_smoothing: float
) -> tf.Tensor:
    """The cross-entropy `[n]` of soft labels, which may themselves be learned.

    The second derivative of TensorFlow's own operation takes labels for constants: its
    meta-gradient with respect to learned labels would be 0.
    """
    labels = tf.cast(labels, logits.dtype)
    labels = labels * (1.0 - label_smoothing) + label_smoothing / logits.shape[-1]
    return -tf.reduce_sum(labels * tf.nn.log_softmax(logits), axis=-1)
