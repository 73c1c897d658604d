"""Settings of the meta-gradient's estimators, and their limits.

Without TensorFlow, so that a configuration is checked before it starts. The estimators
themselves are in `gtn_tf.inner.estimators`.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from gtn_tf.errors import ArgumentError


class EstimatorSettings:
    """What all estimators have in common."""

    kind: ClassVar[str]  # its name in configurations
    lengthens: ClassVar[bool] = False  # whether the number of inner steps grows
    persists: ClassVar[bool] = False  # whether learners live on
    learns_rates: ClassVar[bool] = True  # whether the inner optimizer has a gradient

    # Inner steps between intermediate meta-losses, which are added to the last one;
    # 0 for none.
    intermediate_every: int

    def check(self, steps: int, unroll: str = "auto") -> None:
        """Checks that the settings fit an inner loop.

        Args:
            steps: Number of inner steps.
            unroll: How the meta-gradient is computed, as in `GTN`.

        Raises:
            ArgumentError: If not. The message begins with the setting.
        """
        if not 0 <= self.intermediate_every < steps:
            raise ArgumentError(
                f"intermediate_every: expected 0 or a number of steps below {steps}, "
                f"received {self.intermediate_every}"
            )


@dataclasses.dataclass(frozen=True)
class FullSettings(EstimatorSettings):
    """Settings of the exact meta-gradient, through all steps."""

    kind = "full"

    intermediate_every: int = 0


@dataclasses.dataclass(frozen=True)
class TruncatedSettings(EstimatorSettings):
    """Settings of the meta-gradient through windows of steps.

    Args:
        window: Inner steps of a window, a divisor of all inner steps.
    """

    kind = "truncated"

    window: int
    intermediate_every: int = 0

    def check(self, steps: int, unroll: str = "auto") -> None:
        super().check(steps, unroll)
        _expect_divisor(self.window, steps)


@dataclasses.dataclass(frozen=True)
class LengtheningSettings(EstimatorSettings):
    """Settings of the meta-gradient through a growing number of steps.

    Args:
        initial_steps: Inner steps of the first meta-iteration.
        lengthen_every: Meta-iterations after which an inner step is added.
    """

    kind = "lengthening"
    lengthens = True

    initial_steps: int
    lengthen_every: int = 5
    intermediate_every: int = 0

    def check(self, steps: int, unroll: str = "auto") -> None:
        super().check(steps, unroll)
        if not 1 <= self.initial_steps <= steps:
            raise ArgumentError(
                f"initial_steps: expected a number of steps from 1 to {steps}, "
                f"received {self.initial_steps}"
            )
        if self.lengthen_every < 1:
            raise ArgumentError(
                f"lengthen_every: expected at least 1, received {self.lengthen_every}"
            )
        if unroll not in ("auto", "recompute"):
            raise ArgumentError(
                "unroll: expected auto or recompute when the number of inner steps "
                f"grows, received {unroll!r}"
            )


@dataclasses.dataclass(frozen=True)
class PersistentSettings(EstimatorSettings):
    """Settings of the meta-gradient through windows of learners that live on.

    Args:
        window: Inner steps of a window, a divisor of all inner steps.
        persistent_learners: Learners that are alive at a time.
    """

    kind = "persistent"
    persists = True

    window: int
    persistent_learners: int = 4
    intermediate_every: int = 0

    def check(self, steps: int, unroll: str = "auto") -> None:
        _expect_divisor(self.window, steps)
        super().check(self.window, unroll)
        _expect_some_learners(self.persistent_learners)


@dataclasses.dataclass(frozen=True)
class RandomWindowSettings(EstimatorSettings):
    """Settings of the meta-gradient through a window at a random place.

    Args:
        window: Inner steps of the window.
    """

    kind = "random_window"

    window: int
    intermediate_every: int = 0

    def check(self, steps: int, unroll: str = "auto") -> None:
        _expect_at_most(self.window, steps)
        super().check(self.window, unroll)


@dataclasses.dataclass(frozen=True)
class RidgeSettings(EstimatorSettings):
    """Settings of the meta-loss of a kernel ridge regression on lessons' features.

    Args:
        window: Lessons of a regression, consecutive ones.
        persistent_learners: Learners that are alive at a time.
    """

    kind = "ridge"
    persists = True
    learns_rates = False
    intermediate_every = 0  # it has no inner steps to put meta-losses between

    window: int
    persistent_learners: int = 4

    def check(self, steps: int, unroll: str = "auto") -> None:
        _expect_at_most(self.window, steps)
        _expect_some_learners(self.persistent_learners)


SETTINGS: dict[str, type[EstimatorSettings]] = {
    one.kind: one
    for one in (
        FullSettings,
        TruncatedSettings,
        LengtheningSettings,
        PersistentSettings,
        RandomWindowSettings,
        RidgeSettings,
    )
}


def _expect_divisor(window: int, steps: int) -> None:
    if window < 1 or steps % window:
        raise ArgumentError(
            f"window: expected a divisor of the {steps} steps, received {window}"
        )


def _expect_at_most(window: int, steps: int) -> None:
    if not 1 <= window <= steps:
        raise ArgumentError(
            f"window: expected a number of steps from 1 to {steps}, received {window}"
        )


def _expect_some_learners(count: int) -> None:
    if count < 1:
        raise ArgumentError(
            f"persistent_learners: expected at least 1, received {count}"
        )
