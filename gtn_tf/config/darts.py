"""The whole configuration of a differentiable search, as frozen dataclasses."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from gtn_tf import names
from gtn_tf.config.rules import (
    ABOVE_0,
    COUNT,
    COUNT_OR_0,
    DECAY,
    FROM_0,
    Checked,
    expect_unused,
    one_of,
    section,
    setting,
)
from gtn_tf.config.schema import DataConfig
from gtn_tf.config.search import SpaceConfig
from gtn_tf.config.supernet import expect_whole_epochs

# The settings that only one of the methods has.
_METHODS = {
    "darts": ("alpha_gradient",),
    "gdas": ("first_temperature", "final_temperature"),
}


@dataclasses.dataclass(frozen=True)
class MixedSpaceConfig(SpaceConfig):
    """The architectures that are searched."""

    name: str = setting("nas_bench_201", one_of(*names.SPACES))  # cell space


@dataclasses.dataclass(frozen=True)
class AlphasConfig(Checked):
    """The alphas, which choose the operations: Adam on validation images."""

    _prefix: ClassVar[str] = "search."

    method: str = setting("darts", one_of(*_METHODS))
    # Of darts: through the next step of the weights exactly, approximately, or not.
    alpha_gradient: str = setting(
        "first_order", one_of("first_order", "second_order", "finite_difference")
    )
    learning_rate: float = setting(3e-4, ABOVE_0)  # Adam's
    beta_1: float = setting(0.5, DECAY)  # Adam's, of gradients
    beta_2: float = setting(0.999, DECAY)  # Adam's, of their squares
    weight_decay: float = setting(1e-3, FROM_0)  # of the alphas
    first_temperature: float = setting(10.0, ABOVE_0)  # of gdas: at the start
    final_temperature: float = setting(0.1, ABOVE_0)  # of gdas: at the end

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_unused(self, "method", _METHODS)


@dataclasses.dataclass(frozen=True)
class MixedTrainingConfig(Checked):
    """The weights: SGD with Nesterov momentum on training images."""

    _prefix: ClassVar[str] = "training."

    steps: int = setting(6000, COUNT)  # of the weights, and as many of the alphas
    steps_per_epoch: int = setting(250, COUNT)  # between checkpoints
    batch_size: int = setting(64, COUNT)  # images in a step
    learning_rate: float = setting(0.025, ABOVE_0)  # at the start of a cosine decay
    final_learning_rate: float = setting(0.001, FROM_0)  # at its end
    momentum: float = setting(0.9, DECAY)  # Nesterov's
    weight_decay: float = setting(5e-4, FROM_0)  # of all weights, in each step
    gradient_clip: float = setting(5.0, FROM_0)  # largest norm of the gradient; 0: any

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_whole_epochs(self)


@dataclasses.dataclass(frozen=True)
class DartsConfig(Checked):
    """The whole configuration of a differentiable search.

    Raises:
        ConfigError: If a value is not what its field accepts.

    Example:

    >>> DartsConfig(search=AlphasConfig("gdas")).space.name
    'nas_bench_201'
    """

    seed: int = setting(0, COUNT_OR_0)  # of everything drawn at random
    data: DataConfig = section(DataConfig)
    space: MixedSpaceConfig = section(MixedSpaceConfig)
    search: AlphasConfig = section(AlphasConfig)
    training: MixedTrainingConfig = section(MixedTrainingConfig)
