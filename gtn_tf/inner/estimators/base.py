"""The interface of an estimator of the meta-gradient."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple

import tensorflow as tf

from gtn_tf.inner.state import InnerInputs, InnerLoop, LearnerState, Real
from gtn_tf.inner.step import meta_loss
from gtn_tf.inner.unrolls import Unroll


class MetaGradient(NamedTuple):
    """Meta-loss of one learner and its gradient with respect to the inner inputs."""

    meta_loss: tf.Tensor  # after the last step
    logits: tf.Tensor  # after the last step, [n, num_classes]
    gradients: dict[str, Any]  # of the inner inputs, as `InnerInputs.differentiable`

    @classmethod
    def zeros(cls, inputs: InnerInputs, count: tf.Tensor, classes: int) -> MetaGradient:
        """A meta-gradient of zeros.

        Args:
            inputs: The inner inputs.
            count: Number of real images.
            classes: Number of classes.
        """
        dtype = inputs.images.dtype
        gradients = tf.nest.map_structure(tf.zeros_like, inputs.differentiable)
        return cls(tf.zeros([], dtype), tf.zeros([count, classes], dtype), gradients)


class Estimator(abc.ABC):
    """Which meta-losses are summed, and how far back gradients go.

    A subclass is a frozen dataclass of its settings; those of gtn_tf inherit them from
    `gtn_tf.estimator_settings`, with their checks.
    """

    lengthens: bool  # whether the number of inner steps grows
    learns_rates: bool  # whether the inner optimizer has a gradient
    intermediate_every: int  # inner steps between intermediate meta-losses; 0: none

    @abc.abstractmethod
    def check(self, steps: int, unroll: str = "auto") -> None:
        """Checks that the settings fit an inner loop of `steps` steps."""

    def check_network(self, network: Any, image_shape: tuple[int, ...]) -> None:
        """Checks that the estimator can do with a network.

        Args:
            network: One of the pool.
            image_shape: Of its images, `(height, width, channels)`.
        """

    def estimate(
        self,
        unroll: Unroll,
        loop: InnerLoop,
        state: LearnerState,
        inputs: InnerInputs,
        real: Real,
    ) -> MetaGradient:
        """Trains a learner and differentiates its meta-losses through these steps.

        Args:
            unroll: From `choose_unroll`.
            loop: The inner loop.
            state: Before the first of these steps.
            inputs: Batches and hyperparameters of `steps` steps.
            real: Images, labels and sample weights, if any, of the meta-loss.

        Returns:
            The last meta-loss with its logits, and the gradient.
        """
        setting = unroll, loop, state, inputs, real
        return differentiate(*setting, self.intermediate_every)[1]

    def window_of(self, steps: int) -> int:
        """The number of inner steps that are differentiated at a time."""
        return steps

    def steps_of_fresh(self, seed: tf.Tensor, steps: int) -> slice | None:
        """The inner steps that are differentiated when a fresh learner is taught.

        Those before them are taken without a gradient.

        Args:
            seed: int32 `[2]`.
            steps: The teacher's.

        Returns:
            None for all steps; else `window_of(steps)` of them.
        """
        return None

    def inputs_at(self, iteration: tf.Tensor, inputs: InnerInputs) -> InnerInputs:
        """The inner inputs that a meta-iteration uses.

        Args:
            iteration: Integer scalar, counted from 0.
            inputs: Of all steps.
        """
        return inputs

    def get_config(self) -> dict[str, Any]:
        """The settings; Keras calls it."""
        return {**vars(self)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Estimator:
        """Makes an estimator from its settings; Keras calls it."""
        return cls(**config)


def differentiate(
    unroll: Unroll,
    loop: InnerLoop,
    state: LearnerState,
    inputs: InnerInputs,
    real: Real,
    intermediate_every: int,
) -> tuple[LearnerState, MetaGradient]:
    """Trains a learner and differentiates the sum of its meta-losses.

    Args:
        unroll: From `choose_unroll`.
        loop: The inner loop.
        state: Before the first of these steps.
        inputs: Batches and hyperparameters of `steps` steps.
        real: Images, labels and sample weights, if any, of the meta-loss.
        intermediate_every: Steps between intermediate meta-losses; 0 for none.

    Returns:
        The state after the last step, and the last meta-loss with the gradient.
    """
    sources = inputs.differentiable
    with tf.GradientTape() as tape:
        tape.watch(sources)
        state, intermediate = unroll(loop, state, inputs, real, intermediate_every)
        last, logits = meta_loss(loop, state, real)
        objective = last + intermediate
    return state, MetaGradient(last, logits, tape.gradient(objective, sources))
