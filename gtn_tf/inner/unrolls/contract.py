"""The interface of an unroll: a differentiable inner loop."""

from __future__ import annotations

from typing import Protocol

import tensorflow as tf

from gtn_tf.inner.state import InnerInputs, InnerLoop, LearnerState, Real


class Unroll(Protocol):
    """Trains a learner; a tape around the call can differentiate the results.

    They are differentiable with respect to the first state, the images and the
    hyperparameters. All unrolls return the same values; they differ in time and memory.
    """

    def __call__(
        self,
        loop: InnerLoop,
        state: LearnerState,
        inputs: InnerInputs,
        real: Real,
        intermediate_every: int,
    ) -> tuple[LearnerState, tf.Tensor]:
        """Trains a learner.

        Args:
            loop: The inner loop.
            state: Of a fresh learner.
            inputs: Batches and hyperparameters of `steps` steps.
            real: Images, labels and sample weights, if any, of the meta-loss.
            intermediate_every: Steps between intermediate meta-losses; 0 for none.

        Returns:
            The state after the last step and the sum of the intermediate meta-losses.
        """
        ...
