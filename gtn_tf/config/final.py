"""The whole configuration of a full training, as frozen dataclasses."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from gtn_tf import names
from gtn_tf.config.rules import (
    ABOVE_0,
    COUNT,
    COUNT_OR_0,
    DECAY,
    FLAG,
    FROM_0,
    TEXT,
    Checked,
    one_of,
    section,
    setting,
)
from gtn_tf.config.schema import DataConfig


@dataclasses.dataclass(frozen=True)
class NetworkConfig(Checked):
    """The network that is trained."""

    _prefix: ClassVar[str] = "network."

    # A published one's name, a genotype in any form, or a file that begins with one.
    genotype: str = setting("darts_v2", TEXT)
    # How the inputs of cells are calibrated; own: as published, darts for a genotype
    # in its form, else nao.
    layout: str = setting("own", one_of("own", *names.LAYOUTS))
    cells: int = setting(6, COUNT_OR_0)  # N: (normal) cells in each of the three stages
    filters: int = setting(36, COUNT)  # F: channels of the first stage
    dropout: float = setting(0.4, DECAY)  # of the pooled features
    drop_path: float = setting(0.2, DECAY)  # of the last cell, at the end of training
    auxiliary: float = setting(0.4, FROM_0)  # weight of the auxiliary loss; 0: no head


@dataclasses.dataclass(frozen=True)
class FullTrainingConfig(Checked):
    """SGD with momentum, as the literature trains cells."""

    _prefix: ClassVar[str] = "training."

    epochs: int = setting(600, COUNT)  # passes over the training images
    batch_size: int = setting(128, COUNT)  # images in a step
    learning_rate: float = setting(0.025, ABOVE_0)  # at the start of a cosine decay
    final_learning_rate: float = setting(0.0, FROM_0)  # at its end
    momentum: float = setting(0.9, DECAY)  # heavy ball
    weight_decay: float = setting(3e-4, FROM_0)  # as L2 penalty on all kernels
    gradient_clip: float = setting(5.0, FROM_0)  # largest norm of the gradient; 0: any
    label_smoothing: float = setting(0.0, DECAY)  # probability spread over all classes
    mixed_precision: bool = setting(False, FLAG)  # float16 on GPUs that are fast at it


@dataclasses.dataclass(frozen=True)
class FinalConfig(Checked):
    """The whole configuration of a full training.

    Raises:
        ConfigError: If a value is not what its field accepts.

    Example:

    >>> FinalConfig(network=NetworkConfig("enas", cells=2)).network.cells
    2
    """

    seed: int = setting(0, COUNT_OR_0)  # of everything drawn at random
    data: DataConfig = section(DataConfig)
    network: NetworkConfig = section(NetworkConfig)
    training: FullTrainingConfig = section(FullTrainingConfig)
