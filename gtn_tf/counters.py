"""Counters: integer weights of a Keras model, saved with it."""

from __future__ import annotations

import tensorflow as tf


def add_counter(model: tf.keras.Model, name: str) -> tf.Variable:
    """Adds an int64 scalar that starts at 0 and is not trained.

    Args:
        model: The model.
        name: Of the weight.

    Example:

    >>> model = tf.keras.Model()
    >>> add_counter(model, "iterations").assign_add(2).numpy(), len(model.weights)
    (2, 1)
    """
    return model.add_weight(
        name,
        [],
        tf.int64,
        initializer="zeros",
        trainable=False,
        # All replicas count the same.
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
    )


def count_skipped(
    applied: tf.Tensor, skipped: tf.Variable, in_a_row: tf.Variable
) -> None:
    """Counts an update that was skipped.

    Args:
        applied: Whether the update was applied, a bool scalar.
        skipped: Counts all skipped updates.
        in_a_row: Counts those since the last one that was applied.

    Example:

    >>> total, in_a_row = tf.Variable(5), tf.Variable(1)
    >>> count_skipped(tf.constant(False), total, in_a_row)
    >>> total.numpy(), in_a_row.numpy()
    (6, 2)
    >>> count_skipped(tf.constant(True), total, in_a_row)
    >>> total.numpy(), in_a_row.numpy()
    (6, 0)
    """
    one = 1 - tf.cast(applied, skipped.dtype)
    skipped.assign_add(one)
    in_a_row.assign((in_a_row + 1) * one)
