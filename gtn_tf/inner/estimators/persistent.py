"""The meta-gradient through the next window of a learner that lives on."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from gtn_tf.estimator_settings import PersistentSettings
from gtn_tf.inner.estimators.base import MetaGradient, differentiate
from gtn_tf.inner.estimators.persistent_estimator import PersistentEstimator
from gtn_tf.inner.state import InnerInputs, InnerLoop, LearnerState, Real
from gtn_tf.inner.unrolls import Unroll


@tf.keras.utils.register_keras_serializable("gtn_tf")
@dataclasses.dataclass(frozen=True)
class PersistentWindow(PersistentSettings, PersistentEstimator):
    """Learners that live on between meta-iterations, taught a window at a time.

    A meta-iteration teaches the learner whose turn it is the next `window` steps and
    differentiates the meta-loss after them through these steps alone. After the
    teacher's last step a fresh learner takes its place, with another network of the
    pool and other weights. The first ones last a random number of windows each, so
    that later ages are spread over all steps.

    A long curriculum then costs as much as a window. In return, the gradient misses
    what a batch does to steps after its window, and a learner was taught by earlier
    states of the teacher. A pool of learners of different ages is that of Zhou et al.
    2022 (FRePo, arXiv 2206.00719), here with windows in place of single steps.

    With a window of all steps, it is `FullUnroll`.

    Args:
        window: Inner steps of a window, a divisor of the teacher's.
        persistent_learners: Learners that are alive at a time, for each of a GTN's
            `learners_per_iteration`.
        intermediate_every: Inner steps between intermediate meta-losses within a
            window, which are added to its last one; 0 for none.

    Example:

    >>> PersistentWindow(window=4, persistent_learners=8).window_of(steps=96)
    4
    """

    draws_lessons = False

    def window_of(self, steps: int) -> int:
        return self.window

    def steps_of_fresh(self, seed: tf.Tensor, steps: int) -> slice | None:
        return self.steps_at(0, seed, steps)

    @property
    def steps_of_turn(self) -> int:
        return self.window

    def steps_at(
        self, age: tf.Tensor | int, seed: tf.Tensor, steps: int
    ) -> slice | None:
        return None if self.window == steps else slice(age, age + self.window)

    def go_on(
        self,
        unroll: Unroll,
        loop: InnerLoop,
        state: LearnerState,
        inputs: InnerInputs,
        real: Real,
    ) -> tuple[LearnerState, MetaGradient]:
        every = self.intermediate_every
        return differentiate(unroll, loop, state, inputs, real, every)
