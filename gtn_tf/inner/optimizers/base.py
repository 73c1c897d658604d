"""The interface of a learner's optimizer, whose hyperparameters are learned."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, Union

import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.names import RATES
from gtn_tf.weight_tensors import GetTensors

OptimizerState = tuple[tf.Tensor, ...]  # such as a velocity, `[size]`
LearningRate = Union[float, tf.keras.optimizers.schedules.LearningRateSchedule]

# For optimizers that divide by a square root: its derivative is infinite at 0.
EPSILON = 1e-5


class Hyperparameter(NamedTuple):
    """A hyperparameter with a value for each inner step.

    Args:
        name: Of the value of one step, such as `"momentum"`; its plural, such as
            `"momenta"`, names the values of all steps.
        most: Upper bound of its values.
    """

    name: str
    most: float


class StepGradient(NamedTuple):
    """Gradients with respect to the arguments of an optimizer's update."""

    weights: tf.Tensor  # [size]
    optimizer_state: OptimizerState
    gradient: tf.Tensor  # [size]
    hyperparameters: dict[str, tf.Tensor]  # scalars


# (state before, state after, hyperparameters, gradients with respect to the weights
# and the state after) -> gradients with respect to the update's arguments.
Transpose = Callable[..., StepGradient]


class InnerOptimizer(tf.keras.layers.Layer):
    """The optimizer of the inner loop: an update with learned hyperparameters.

    A subclass defines `kind`, `values`, `formula`, `hyperparameters`, `init` and
    `update`. It may define `transpose`, the transposed derivative of
    `update` written by hand, so that the unroll `recompute` needs no tape for it.

    Args:
        steps: Inner-loop steps, T.
        rates: `"per_step"`, learned hyperparameters for each step; `"shared"`, learned
            ones for all steps; or `"fixed"`.
        **kwargs: Passed to `tf.keras.layers.Layer`.

    Raises:
        ValueError: If `rates` is none of the three.
    """

    kind: ClassVar[str]  # its name in configurations and in files
    # By plural name, in alphabetical order.
    values: ClassVar[Mapping[str, Hyperparameter]]
    settings: ClassVar[tuple[str, ...]] = ()  # attributes that `update` reads
    formula: ClassVar[str]  # the update in words, for a model card
    transpose: Transpose | None = None

    def __init__(self, steps: int, rates: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if rates not in RATES:
            raise ArgumentError(
                f"rates: expected one of {', '.join(RATES)}, received {rates!r}"
            )
        self.steps = steps
        self.rate_kind = rates
        self.built = True

    def hyperparameters(self) -> dict[str, tf.Tensor]:
        """The values of each step, `[steps]`, for each name in `values`."""
        raise NotImplementedError

    def init(self, weights: tf.Tensor) -> OptimizerState:
        """The state before the first step.

        Args:
            weights: The learner's, as one vector `[size]`.
        """
        raise NotImplementedError

    def update(
        self,
        weights: tf.Tensor,
        state: OptimizerState,
        gradient: tf.Tensor,
        hyperparameters: Mapping[str, tf.Tensor],
        tensors: GetTensors,
    ) -> tuple[tf.Tensor, OptimizerState]:
        """Takes one step, as a differentiable pure function.

        Args:
            weights: The learner's, `[size]`.
            state: From `init` or the previous step.
            gradient: The gradient of the learner's loss, `[size]`.
            hyperparameters: Scalars, the values of this step.
            tensors: Gives what the weights are made of.

        Returns:
            The new weights and the new state.
        """
        raise NotImplementedError

    def _add_learning_rate(self, initial: LearningRate) -> tf.Variable:
        """A variable that holds the logarithms of the learning rates."""
        schedules = tf.keras.optimizers.schedules
        if not isinstance(initial, schedules.LearningRateSchedule):
            _expect_positive([initial])
            return self._add_log("log_learning_rate", initial)
        if self.rate_kind == "shared":
            raise ArgumentError(
                "learning_rate: expected a number for all steps beside rates='shared', "
                f"received a {type(initial).__name__}"
            )
        each = [float(initial(step)) for step in range(self.steps)]
        _expect_positive(each)
        logarithms = tf.constant([math.log(one) for one in each])
        return self._add("log_learning_rate", logarithms, self.steps)

    def _add_log(self, name: str, value: float) -> tf.Variable:
        """A variable that holds the logarithm of a positive hyperparameter."""
        return self._add(name, math.log(value) if value else -math.inf)

    def _add_log_odds(self, name: str, value: float) -> tf.Variable:
        """A variable for a value from 0 to 1: the log odds of 1 minus it."""
        return self._add(name, math.log((1 - value) / value))

    def _add(self, name: str, value: Any, count: int | None = None) -> tf.Variable:
        return self.add_weight(
            name,
            [count or (self.steps if self.rate_kind == "per_step" else 1)],
            initializer=tf.keras.initializers.Constant(value),
            trainable=self.rate_kind != "fixed",
        )

    def _from_log(self, variable: tf.Variable) -> tf.Tensor:
        return tf.broadcast_to(tf.exp(variable), [self.steps])

    def _from_log_odds(self, variable: tf.Variable) -> tf.Tensor:
        # Not tf.sigmoid: these operations occur in a teacher's file anyway.
        return tf.broadcast_to(1 / (1 + tf.exp(variable)), [self.steps])

    def get_config(self) -> dict[str, Any]:
        config = {"steps": self.steps, "rates": self.rate_kind}
        return {**super().get_config(), **config}


def as_rate(given: Any) -> LearningRate:
    """An initial learning rate from an argument, or from what `rate_config` made.

    Args:
        given: A number, a schedule, or its configuration.
    """
    if isinstance(given, dict):
        return tf.keras.optimizers.schedules.deserialize(given)
    return given


def rate_config(initial: LearningRate) -> Any:
    """An initial learning rate as `get_config` has it.

    Args:
        initial: A number, or a schedule.
    """
    schedules = tf.keras.optimizers.schedules
    if isinstance(initial, schedules.LearningRateSchedule):
        return schedules.serialize(initial)
    return initial


def _expect_positive(rates: list[float]) -> None:
    if min(rates) <= 0:
        raise ArgumentError(
            f"expected a positive learning rate, received {min(rates):g}"
        )
