"""What each replica of a training does, so that their number changes no result."""

from __future__ import annotations

import tensorflow as tf

from gtn_tf.config import ConfigError


def learners_of_each(learners: int, replicas: int) -> int:
    """Shares the learners of a meta-iteration among replicas.

    Args:
        learners: `meta.learners_per_iteration`, of all replicas.
        replicas: Number of replicas.

    Returns:
        The learners of one replica.

    Raises:
        ConfigError: If the learners cannot be shared equally.

    Example:

    >>> learners_of_each(6, replicas=2)
    3
    """
    if learners % replicas:
        raise ConfigError(
            "meta.learners_per_iteration: expected a multiple of the number of "
            f"replicas that share them, {replicas}, received {learners}",
            "meta.learners_per_iteration",
        )
    return learners // replicas


def a_batch_each(batches: tf.data.Dataset, replicas: int) -> tf.data.Dataset:
    """Gives every replica the whole of each batch.

    Keras splits a batch between the replicas: it gets one that holds the batch once
    for each of them.

    Args:
        batches: Batches, each a tuple of tensors `[n, ...]`.
        replicas: Number of replicas.

    Returns:
        Batches of tensors `[replicas * n, ...]`.

    Example:

    >>> batches = tf.data.Dataset.from_tensors((tf.ones([5, 8]), tf.ones([5])))
    >>> a_batch_each(batches, replicas=2).element_spec[0].shape
    TensorShape([10, 8])
    """

    def repeated(*batch: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return tuple(tf.concat([one] * replicas, 0) for one in batch)

    return batches if replicas == 1 else batches.map(repeated)
