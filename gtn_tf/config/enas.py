"""The whole configuration of a search by ENAS, as frozen dataclasses."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from gtn_tf.config.darts import MixedSpaceConfig, MixedTrainingConfig
from gtn_tf.config.rules import (
    ABOVE_0,
    COUNT,
    COUNT_OR_0,
    DECAY,
    FROM_0,
    Checked,
    section,
    setting,
)
from gtn_tf.config.schema import DataConfig
from gtn_tf.config.supernet import expect_fewer_epochs


@dataclasses.dataclass(frozen=True)
class ControllerConfig(Checked):
    """The controller, which draws architectures: REINFORCE on validation images."""

    _prefix: ClassVar[str] = "search."

    warm_up: int = setting(4, COUNT_OR_0)  # first epochs, which train weights alone
    updates: int = setting(25, COUNT)  # of the controller, in each epoch after these
    architectures: int = setting(10, COUNT)  # drawn and scored for an update
    reward_images: int = setting(128, COUNT)  # whose accuracy is a reward
    learning_rate: float = setting(3.5e-3, ABOVE_0)  # Adam's
    entropy: float = setting(1e-4, FROM_0)  # weight of the entropy, which is raised
    baseline: float = setting(0.99, DECAY)  # decay of the average of the rewards
    temperature: float = setting(5.0, ABOVE_0)  # divides the logits
    logit_limit: float = setting(2.5, FROM_0)  # largest logit after a tanh; 0: any
    units: int = setting(100, COUNT)  # of the LSTM
    drawn: int = setting(100, COUNT)  # architectures at the end, whose best is taken
    drawn_images: int = setting(1000, COUNT)  # validation images that they see


@dataclasses.dataclass(frozen=True)
class EnasConfig(Checked):
    """The whole configuration of a search by ENAS.

    Raises:
        ConfigError: If a value is not what its field accepts.

    Example:

    >>> EnasConfig().search.updates
    25
    """

    seed: int = setting(0, COUNT_OR_0)  # of everything drawn at random
    data: DataConfig = section(DataConfig)
    space: MixedSpaceConfig = section(MixedSpaceConfig)
    search: ControllerConfig = section(ControllerConfig)
    training: MixedTrainingConfig = section(MixedTrainingConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        given = "search.warm_up", self.search.warm_up
        expect_fewer_epochs(*given, self.training, "the controller never learns")
