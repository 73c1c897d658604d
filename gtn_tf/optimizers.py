"""One interface to Keras' optimizers, current and legacy."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf


def build(
    optimizer: tf.keras.optimizers.Optimizer, variables: Sequence[tf.Variable]
) -> None:
    """Makes all variables of an optimizer, before its first step.

    Args:
        optimizer: Of `tf.keras.optimizers`, or a legacy one, such as `"adam"` on Apple
            silicon and those of tensorflow-addons.
        variables: The variables that it will update.

    Example:

    >>> optimizer, weight = tf.keras.optimizers.legacy.SGD(), tf.Variable(1.0)
    >>> build(optimizer, [weight])
    >>> apply(optimizer, [tf.constant(1.0)], [weight])
    >>> round(float(weight), 2)
    0.99
    """
    if isinstance(optimizer, tf.keras.optimizers.Optimizer):
        optimizer.build(variables)
    else:
        # Keras' own callbacks call it, too, to restore a legacy optimizer.
        optimizer._create_all_weights(variables)


def apply(
    optimizer: tf.keras.optimizers.Optimizer,
    gradients: Sequence[tf.Tensor],
    variables: Sequence[tf.Variable],
) -> None:
    """Takes one step with gradients that are already summed over replicas.

    Args:
        optimizer: As for `build`.
        gradients: One for each variable.
        variables: The variables that it updates.
    """
    pairs = list(zip(gradients, variables))
    if isinstance(optimizer, tf.keras.optimizers.Optimizer):
        optimizer.apply_gradients(pairs, skip_gradients_aggregation=True)
    else:
        optimizer.apply_gradients(pairs, experimental_aggregate_gradients=False)
