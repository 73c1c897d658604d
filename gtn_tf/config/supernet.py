"""The whole configuration of training shared weights, as frozen dataclasses."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from gtn_tf.config.rules import (
    ABOVE_0,
    COUNT,
    COUNT_OR_0,
    DECAY,
    FROM_0,
    Checked,
    ConfigError,
    section,
    setting,
)
from gtn_tf.config.schema import DataConfig
from gtn_tf.config.search import SpaceConfig


@dataclasses.dataclass(frozen=True)
class SharedTrainingConfig(Checked):
    """SGD with Nesterov momentum, on another random architecture each step."""

    _prefix: ClassVar[str] = "training."

    steps: int = setting(6000, COUNT)  # architectures, each trained on one batch
    steps_per_epoch: int = setting(500, COUNT)  # between tests and checkpoints
    batch_size: int = setting(64, COUNT)  # images in a step
    learning_rate: float = setting(0.05, ABOVE_0)  # at the start of a cosine decay
    final_learning_rate: float = setting(0.001, FROM_0)  # at its end
    momentum: float = setting(0.9, DECAY)  # Nesterov's
    weight_decay: float = setting(5e-4, FROM_0)  # of the weights that are trained
    gradient_clip: float = setting(5.0, FROM_0)  # largest norm of the gradient; 0: any
    tested: int = setting(10, COUNT)  # random architectures whose scores are averaged
    tested_images: int = setting(1000, COUNT)  # validation images that they see


@dataclasses.dataclass(frozen=True)
class SupernetConfig(Checked):
    """The whole configuration of training shared weights.

    Raises:
        ConfigError: If a value is not what its field accepts.

    Example:

    >>> SupernetConfig(space=SpaceConfig("nas_bench_201")).training.steps
    6000
    """

    seed: int = setting(0, COUNT_OR_0)  # of everything drawn at random
    data: DataConfig = section(DataConfig)
    space: SpaceConfig = section(SpaceConfig)
    training: SharedTrainingConfig = section(SharedTrainingConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_whole_epochs(self.training)


def expect_whole_epochs(training: Any) -> None:
    """Expects a training that ends with an epoch.

    Args:
        training: A section with `steps` and `steps_per_epoch`.

    Raises:
        ConfigError: If it does not.
    """
    steps, every = training.steps, training.steps_per_epoch
    if steps % every:
        raise ConfigError(
            "training.steps: expected a multiple of training.steps_per_epoch "
            f"({every}), received {steps}"
        )
