"""Which `tf.distribute` strategy a training runs under."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from gtn_tf.config import ConfigError
from gtn_tf.distribution.cluster import Cluster, read_tf_config
from gtn_tf.errors import first_line
from gtn_tf.run_files import RunError


def choose_strategy(
    name: str, report: Callable[[str], None] = print
) -> tf.distribute.Strategy:
    """Makes the strategy of `meta.distribute`.

    The workers of a cluster wait for each other here. TensorFlow wants this to be the
    first thing that a process does with it.

    Args:
        name: One of `gtn_tf.names.STRATEGIES`, or `"auto"`: as `TF_CONFIG` says.
        report: Called with a line before the wait.

    Raises:
        ConfigError: If `TF_CONFIG` is broken, or missing where it is needed.
        RunError: If the worker's port is taken.

    Example:

    >>> choose_strategy("none").num_replicas_in_sync
    1
    """
    cluster = read_tf_config() if name in ("auto", "multi_worker_mirrored") else None
    if cluster:
        count = len(cluster.addresses)
        report(f"worker {cluster.number + 1} of {count}: waiting for the others ...")
        return _multi_worker(cluster)
    if name == "multi_worker_mirrored":
        raise ConfigError(
            "meta.distribute: expected TF_CONFIG in the environment beside "
            "multi_worker_mirrored, received none (docs/training.md)",
            "meta.distribute",
        )
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def _multi_worker(cluster: Cluster) -> tf.distribute.Strategy:
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        raise RunError(
            f"{cluster.own}: expected an address of this machine that is free, and "
            f"the other workers at theirs, received {first_line(error)}"
        ) from None
