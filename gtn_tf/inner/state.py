"""The inner loop's constants, state and inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from gtn_tf.functional import PureNetwork
from gtn_tf.inner.optimizers.base import InnerOptimizer, OptimizerState

Loss = Callable[..., tf.Tensor]  # (labels, logits[, weights]) -> scalar
# Images `[n, h, w, c]`, labels `[n]` and, optionally, sample weights `[n]`.
Real = tuple[tf.Tensor, ...]


@dataclass(frozen=True, eq=False)
class InnerLoop:
    """The constants of an inner loop.

    Args:
        learner: The network.
        loss: Its loss on a batch; on real data, the meta-loss.
        optimizer: Its optimizer.
    """

    learner: PureNetwork
    loss: Loss
    optimizer: InnerOptimizer


class LearnerState(NamedTuple):
    """The state of a learner in training."""

    weights: tf.Tensor  # [size], packed by the network
    optimizer_state: OptimizerState
    statistics: list[tf.Tensor]  # moving statistics of its batch norms


class InnerInputs(NamedTuple):
    """Batches and hyperparameters of several steps, or of one."""

    images: tf.Tensor  # [steps, batch, h, w, c]
    labels: tf.Tensor  # [steps, batch], or probabilities [steps, batch, k]
    hyperparameters: dict[str, tf.Tensor]  # each [steps]

    @property
    def differentiable(self) -> dict[str, Any]:
        """By field, what has a meta-gradient: all but integer labels."""
        fields = self._asdict()
        if not self.labels.dtype.is_floating:
            del fields["labels"]
        return fields

    def at(self, steps: int | slice | tf.Tensor) -> InnerInputs:
        """The inputs of one step or of several.

        Args:
            steps: An integer, an integer scalar, or a slice.
        """
        return tf.nest.map_structure(lambda one: one[steps], self)


def init_state(loop: InnerLoop, weights: Sequence[tf.Tensor]) -> LearnerState:
    """The state of a fresh learner, before its first step.

    Args:
        loop: The inner loop.
        weights: The learner's, from `fresh_weights`.
    """
    packed = loop.learner.pack(weights)
    return LearnerState(
        weights=packed,
        optimizer_state=loop.optimizer.init(packed),
        statistics=[tf.convert_to_tensor(v) for v in loop.learner.running],
    )
