"""The whole configuration of training a graph hypernetwork, as frozen dataclasses."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from gtn_tf.config.rules import (
    ABOVE_0,
    COUNT,
    COUNT_OR_0,
    FROM_0,
    Checked,
    Rule,
    section,
    setting,
)
from gtn_tf.config.schema import DataConfig
from gtn_tf.config.search import SpaceConfig
from gtn_tf.config.supernet import expect_whole_epochs

SIZE = Rule("an integer from 1 to 4096", lambda x: COUNT.allows(x) and x <= 4096)


@dataclasses.dataclass(frozen=True)
class HypernetworkConfig(Checked):
    """The graph hypernetwork."""

    _prefix: ClassVar[str] = "ghn."

    state: int = setting(32, SIZE)  # size of an operation's state
    hidden: int = setting(64, SIZE)  # units of the decoder of weights
    passes: int = setting(1, SIZE)  # along the graph, each forward and backward


@dataclasses.dataclass(frozen=True)
class GHNTrainingConfig(Checked):
    """Adam, on another random architecture each step."""

    _prefix: ClassVar[str] = "training."

    steps: int = setting(6000, COUNT)  # architectures, each seen with one batch
    steps_per_epoch: int = setting(500, COUNT)  # between tests and checkpoints
    batch_size: int = setting(64, COUNT)  # images in a step
    learning_rate: float = setting(1e-3, ABOVE_0)  # a tenth after 2/3 and after 5/6
    weight_decay: float = setting(1e-5, FROM_0)  # of the hypernetwork's weights
    gradient_clip: float = setting(5.0, FROM_0)  # largest norm of the gradient; 0: any
    tested: int = setting(10, COUNT)  # random architectures whose scores are averaged
    tested_images: int = setting(1000, COUNT)  # validation images that they see

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_whole_epochs(self)


@dataclasses.dataclass(frozen=True)
class GHNConfig(Checked):
    """The whole configuration of training a graph hypernetwork.

    Raises:
        ConfigError: If a value is not what its field accepts.

    Example:

    >>> GHNConfig(space=SpaceConfig("nas_bench_201")).ghn.state
    32
    """

    seed: int = setting(0, COUNT_OR_0)  # of everything drawn at random
    data: DataConfig = section(DataConfig)
    space: SpaceConfig = section(SpaceConfig)
    ghn: HypernetworkConfig = section(HypernetworkConfig)
    training: GHNTrainingConfig = section(GHNTrainingConfig)
