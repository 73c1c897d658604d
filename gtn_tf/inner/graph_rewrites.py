"""Protection from a graph rewrite that breaks long unrolls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

_OPTION = "disable_meta_optimizer"


@contextmanager
def graph_rewrites_off() -> Iterator[None]:
    """Calls of `tf.function` in this context run their graphs as they were traced.

    Once a loop's tensors pass about 200 MB, TensorFlow 2.15 rewrites the sums of
    gradients in it to share memory, and the second run of the rewritten loop stops
    with `AlreadyExistsError ... AddN/tmp_var` (tensorflow#23780). That rewrite has no
    switch of its own. Without any rewrites a meta-iteration is as fast.

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
