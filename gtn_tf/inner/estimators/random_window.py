"""The meta-gradient through a window of inner steps at a random place."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from gtn_tf.estimator_settings import RandomWindowSettings
from gtn_tf.inner.estimators.base import Estimator


@tf.keras.utils.register_keras_serializable("gtn_tf")
@dataclasses.dataclass(frozen=True)
class RandomWindow(RandomWindowSettings, Estimator):
    """RaT-BPTT: a window of inner steps at a random place.

    From Feng et al. 2023, *Embarrassingly Simple Dataset Distillation* (arXiv
    2311.07025). A fresh learner takes the steps before the window without a gradient.
    The meta-loss is at the window's end, and its gradient goes back through the window
    alone; the steps after it are not taken. Feng et al. take no intermediate
    meta-losses, and clip: `GTN(..., relative_clip=2.0)`.

    They draw the window's start evenly. The batches of a GTN have an order, so that the
    last one would nearly never be in a window; here a start is drawn from `window - 1`
    steps more on either side, and moved inside: every batch is in a window at least as
    often as one in the middle.

    With a window of all steps, it is `FullUnroll`.

    Args:
        window: Inner steps of the window.
        intermediate_every: Inner steps between intermediate meta-losses within the
            window, which are added to its last one; 0 for none.

    Example:

    >>> estimator = RandomWindow(window=4)
    >>> seeds = tf.constant([[0, 1], [0, 2], [0, 3]])
    >>> [int(estimator.steps_of_fresh(seed, steps=12).start) for seed in seeds]
    [6, 5, 2]
    """

    def window_of(self, steps: int) -> int:
        return self.window

    def steps_of_fresh(self, seed: tf.Tensor, steps: int) -> slice | None:
        return random_window(seed, self.window, steps)


def random_window(seed: tf.Tensor, window: int, steps: int) -> slice | None:
    """Draws a window of steps, in which each step is about as often.

    Args:
        seed: int32 `[2]`.
        window: Its steps.
        steps: All steps.

    Returns:
        None for all steps.
    """
    if window == steps:
        return None
    more, last = window - 1, steps - window
    drawn = tf.random.stateless_uniform([], seed, -more, last + more + 1, tf.int32)
    first = tf.clip_by_value(drawn, 0, last)
    return slice(first, first + window)
