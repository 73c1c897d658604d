"""The whole configuration of training shared weights, as frozen dataclasses."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from gtn_tf import names
from gtn_tf.config.rules import (
    ABOVE_0,
    COUNT,
    COUNT_OR_0,
    DECAY,
    FROM_0,
    TEXT_OR_NONE,
    Checked,
    ConfigError,
    Rule,
    expect_unused,
    one_of,
    section,
    setting,
)
from gtn_tf.config.schema import DataConfig
from gtn_tf.config.search import SpaceConfig

# Half of the cells of NAS-Bench-201 at most, so that there are always others.
POOL_SIZE = Rule(
    "an integer from 2 to 4096", lambda x: COUNT.allows(x) and 2 <= x <= 4096
)


@dataclasses.dataclass(frozen=True)
class SharedStepConfig(Checked):
    """What a step is: the architecture whose weights it trains, and on which images."""

    _prefix: ClassVar[str] = "supernet."

    # Drawn from the whole space, or from a pool that NAO renews.
    architectures: str = setting("uniform", one_of(*names.DRAWS))
    pool_size: int = setting(100, POOL_SIZE)  # of pool: architectures in it
    renew_every: int = setting(3, COUNT)  # of pool: epochs between two renewals
    renewed: int = setting(50, COUNT)  # of pool: the worst, replaced in each
    predictor_steps: int = setting(600, COUNT)  # of pool: of NAO's networks in each
    # Whose lessons are taught in place of training images: a bundled teacher's name, or
    # a path; none if empty.
    teacher: str = setting("", TEXT_OR_NONE)

    def __post_init__(self) -> None:
        super().__post_init__()
        of_pool = ("pool_size", "renew_every", "renewed", "predictor_steps")
        expect_unused(self, "architectures", {"pool": of_pool})
        if self.renewed >= self.pool_size:
            raise ConfigError(
                f"supernet.renewed: expected less than supernet.pool_size "
                f"({self.pool_size}), received {self.renewed}"
            )


@dataclasses.dataclass(frozen=True)
class SharedTrainingConfig(Checked):
    """SGD with Nesterov momentum, on another random architecture each step."""

    _prefix: ClassVar[str] = "training."

    steps: int = setting(6000, COUNT)  # each on one batch of training images
    steps_per_epoch: int = setting(500, COUNT)  # between tests and checkpoints
    batch_size: int = setting(64, COUNT)  # images in a step, if these are no lessons
    learning_rate: float = setting(0.05, ABOVE_0)  # at the start of a cosine decay
    final_learning_rate: float = setting(0.001, FROM_0)  # at its end
    momentum: float = setting(0.9, DECAY)  # Nesterov's
    weight_decay: float = setting(2e-3, FROM_0)  # of all weights, in each step
    gradient_clip: float = setting(5.0, FROM_0)  # largest norm of the gradient; 0: any
    tested: int = setting(10, COUNT)  # random architectures whose scores are averaged
    tested_images: int = setting(1000, COUNT)  # validation images that they see

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_whole_epochs(self)


def expect_whole_epochs(training: Any) -> None:
    """Checks the length of a training that is counted in steps.

    Args:
        training: A section `training` with `steps` and `steps_per_epoch`.

    Raises:
        ConfigError: If the last epoch would be shorter than the others.
    """
    steps, every = training.steps, training.steps_per_epoch
    if steps % every:
        raise ConfigError(
            "training.steps: expected a multiple of training.steps_per_epoch "
            f"({every}), received {steps}"
        )


def expect_fewer_epochs(key: str, received: int, training: Any, otherwise: str) -> None:
    """Checks that something begins before the last epoch of a training.

    Args:
        key: Of the setting that counts the epochs before it.
        received: Its value.
        training: As for `expect_whole_epochs`.
        otherwise: What would happen.

    Raises:
        ConfigError: If there are no more epochs than that.
    """
    epochs = training.steps // training.steps_per_epoch
    if received >= epochs:
        raise ConfigError(
            f"{key}: expected less than the {epochs} epochs that training.steps makes, "
            f"or {otherwise}, received {received}",
            key,
        )


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
    supernet: SharedStepConfig = section(SharedStepConfig)
    training: SharedTrainingConfig = section(SharedTrainingConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.supernet.architectures == "pool":
            given = "supernet.renew_every", self.supernet.renew_every
            expect_fewer_epochs(*given, self.training, "the pool is never renewed")
        if self.supernet.teacher:
            self._expect_images_as_they_are()

    def _expect_images_as_they_are(self) -> None:
        of_real_images = {"augment": [*self.data.augment], "cutout": self.data.cutout}
        for name, received in of_real_images.items():
            if received:
                raise ConfigError(
                    f"data.{name}: expected none beside supernet.teacher, whose "
                    f"lessons are taught as they are, received {received}",
                    f"data.{name}",
                )
