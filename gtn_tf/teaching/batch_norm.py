"""Re-estimates batch-norm statistics, which a short training leaves wrong."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


class SettleBatchNorm(tf.keras.callbacks.Callback):
    """Re-estimates a model's `BatchNormalization` statistics after training.

    With Keras' momentum of 0.99 a moving average still holds 0.99 ** 32 = 72% of its
    initial value after 32 steps, and the rest comes from weights that have changed
    since. Here the final weights see the batches again: the averages start from 0, are
    updated as the layer defines, and are divided by `1 - momentum ** batches`, as Adam
    corrects its moments. The weights and frozen layers stay unchanged.

    It acts at the end of training and, within `fit`, before each validation.

    Args:
        dataset: Finite dataset whose elements start with the images, such as
            `teacher.as_dataset()`.

    Example:

    >>> model = tf.keras.Sequential([tf.keras.layers.BatchNormalization()])
    >>> data = tf.data.Dataset.from_tensors((tf.constant([[1.0], [3.0]]), [0, 1]))
    >>> model.compile("sgd", lambda y_true, y_pred: 0 * tf.reduce_sum(y_pred))
    >>> history = model.fit(data, callbacks=[SettleBatchNorm(data)], verbose=0)
    >>> model.layers[0].moving_mean.numpy().tolist()
    [2.0]
    """

    def __init__(self, dataset: tf.data.Dataset) -> None:
        super().__init__()
        self._dataset = dataset
        self._training = False

    def set_model(self, model: tf.keras.Model) -> None:
        super().set_model(model)
        self._forward = tf.function(lambda images: model(images, training=True))

    def on_train_begin(self, logs: Any = None) -> None:
        self._training = True

    def on_test_begin(self, logs: Any = None) -> None:
        if self._training:  # not when the user evaluates the model
            self.settle()

    def on_train_end(self, logs: Any = None) -> None:
        self._training = False
        self.settle()

    def settle(self, dataset: tf.data.Dataset | None = None) -> None:
        """Re-estimates the statistics now.

        Args:
            dataset: Replaces the callback's own.
        """
        norms = [
            layer
            for layer in self.model.submodules
            if isinstance(layer, tf.keras.layers.BatchNormalization)
            and layer.built
            and layer.trainable
            and layer.momentum < 1
        ]
        if not norms:
            return
        for layer in norms:
            for average in (layer.moving_mean, layer.moving_variance):
                average.assign(tf.zeros_like(average))
        batches = 0
        for images, *_ in self._dataset if dataset is None else dataset:
            self._forward(images)
            batches += 1
        for layer in norms:
            share = 1 - layer.momentum**batches
            for average in (layer.moving_mean, layer.moving_variance):
                average.assign(average / share)
