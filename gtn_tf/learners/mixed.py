"""Several distributions over learners as one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.learners.learners import Learners


@dataclasses.dataclass(frozen=True, eq=False)
class MixedLearners(Learners):
    """The pools of several distributions, put together.

    A teacher trained on one kind of network may fail on another.

    Args:
        parts: The distributions.

    Raises:
        ValueError: If there are none.

    Example:

    >>> from gtn_tf.learners import ConvLearners, MLPLearners
    >>> mixed = MixedLearners([ConvLearners(architectures=2), MLPLearners()])
    >>> len(mixed.build((8, 8, 1), num_classes=10))
    3
    """

    parts: Sequence[Learners]

    def __post_init__(self) -> None:
        if not self.parts:
            raise ArgumentError("expected at least one distribution, received none")

    def build(
        self, image_shape: tuple[int, ...], num_classes: int
    ) -> list[tf.keras.Model]:
        pools = [part.build(image_shape, num_classes) for part in self.parts]
        return [model for pool in pools for model in pool]

    def get_config(self) -> dict[str, Any]:
        parts = [part.get_config() for part in self.parts]
        return {"kind": type(self).__name__, "parts": parts}
