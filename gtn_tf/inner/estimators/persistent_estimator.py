"""The interface of an estimator whose learners live on between meta-iterations."""

from __future__ import annotations

import abc
from typing import ClassVar

import tensorflow as tf

from gtn_tf.inner.estimators.base import Estimator, MetaGradient
from gtn_tf.inner.state import InnerInputs, InnerLoop, LearnerState, Real
from gtn_tf.inner.unrolls import Unroll


class PersistentEstimator(Estimator):
    """An estimator of learners that take turns, each at an age of its own."""

    # Whether the lessons of a meta-iteration are drawn for it, or are those that its
    # learner was born with: they differ where a teacher or an augmentation is random.
    draws_lessons: ClassVar[bool]

    persistent_learners: int  # alive at a time

    @property
    @abc.abstractmethod
    def steps_of_turn(self) -> int:
        """The inner steps that a learner takes in its turn."""

    @abc.abstractmethod
    def steps_at(
        self, age: tf.Tensor | int, seed: tf.Tensor, steps: int
    ) -> slice | None:
        """The inner steps whose lessons get a gradient.

        Args:
            age: The steps that the learner has taken, an integer or integer scalar.
            seed: int32 `[2]`, of what is random.
            steps: The teacher's.

        Returns:
            None for all steps; else `window_of(steps)` of them.
        """

    def steps_before(self, age: tf.Tensor) -> slice | None:
        """The inner steps that its learner takes before, without a gradient.

        Args:
            age: As for `steps_at`.

        Returns:
            None for none.
        """
        return None

    @abc.abstractmethod
    def go_on(
        self,
        unroll: Unroll,
        loop: InnerLoop,
        state: LearnerState,
        inputs: InnerInputs,
        real: Real,
    ) -> tuple[LearnerState, MetaGradient]:
        """The learner's state after its turn, and the result; as `estimate`."""

    def estimate(
        self,
        unroll: Unroll,
        loop: InnerLoop,
        state: LearnerState,
        inputs: InnerInputs,
        real: Real,
    ) -> MetaGradient:
        return self.go_on(unroll, loop, state, inputs, real)[1]
