"""Lets Keras trace a training step once instead of twice."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from gtn_tf import optimizers


def make_variables(model: tf.keras.Model, outputs: Any, labels: Any) -> None:
    """Makes the variables that the first training step of a model would make.

    `tf.function` traces a step that has made variables a second time. For large models
    and for meta-iterations, tracing is most of the time until the first step ends.

    Args:
        model: A compiled model that has its weights.
        outputs: What it outputs for a batch: tensors, or anything else with shapes and
            types. The first dimension, of the batch, may be any.
        labels: Likewise, the labels.

    Example:

    >>> model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=[3])])
    >>> model.compile("sgd", "mse", ["mae"])
    >>> make_variables(model, model.output, tf.TensorSpec([None, 2]))
    >>> history = model.fit(tf.ones([4, 3]), tf.ones([4, 2]), verbose=0)
    >>> model.train_function.experimental_get_tracing_count()
    1
    """
    with model.distribute_strategy.scope():
        optimizers.build(model.optimizer, model.trainable_variables)
        outputs, labels = tf.nest.map_structure(_of_one, (outputs, labels))
        # With several outputs, the mean loss of each is a metric.
        if tf.nest.is_nested(outputs) and not model.compiled_loss.built:
            model.compiled_loss.build(outputs)
        if not model.compiled_metrics.built:
            model.compiled_metrics.build(outputs, labels)


def _of_one(batch: Any) -> tf.Tensor:
    return tf.zeros([1, *batch.shape[1:]], batch.dtype)
