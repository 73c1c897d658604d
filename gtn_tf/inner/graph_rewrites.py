"""Turns off a graph rewrite that breaks long unrolls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

_OPTION = "disable_meta_optimizer"


@contextmanager
def graph_rewrites_off() -> Iterator[None]:
    """Runs the graphs of `tf.function` as traced, within the context.

    Once a loop's tensors pass about 200 MB, TensorFlow 2.15 rewrites the sums of
    gradients in it to share memory, and the second run of the rewritten loop stops
    with `AlreadyExistsError ... AddN/tmp_var` (tensorflow#23780). That rewrite cannot
    be turned off alone. A meta-iteration is as fast without any.

    Example:

    >>> with graph_rewrites_off():
    ...     float(tf.function(lambda x: x + 1)(tf.constant(1.0)))
    2.0
    """
    before = tf.config.optimizer.get_experimental_options().get(_OPTION, False)
    tf.config.optimizer.set_experimental_options({_OPTION: True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({_OPTION: before})
