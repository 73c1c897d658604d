"""The settings of a teacher, of its start and of its groups of variables."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from gtn_tf import names
from gtn_tf.config.rules import (
    COUNT,
    COUNT_OR_0,
    FLAG,
    FROM_0,
    Checked,
    ConfigError,
    one_of,
    setting,
)
from gtn_tf.errors import shown

# Sources whose images have learned pixels, those that store what a generator makes
# images from, and those that store their examples in one way or the other.
PIXELS = ("generator_and_pixels", "dataset_distillation")
GENERATED = ("all_shuffled", "shuffled_batch", "full_curriculum", PIXELS[0])
STORED = (*GENERATED, PIXELS[1])


@dataclasses.dataclass(frozen=True)
class TeacherConfig(Checked):
    """What feeds a learner in the inner loop."""

    _prefix: ClassVar[str] = "teacher."

    source: str = setting("full_curriculum", one_of(*names.TEACHERS))  # or a baseline
    steps: int = setting(32, COUNT)  # inner-loop steps, T in the paper
    batch_size: int = setting(64, COUNT)  # synthetic examples in a step
    latent_size: int = setting(64, COUNT)  # size of z, the generator's noise
    learned_latents: bool = setting(True, FLAG)  # learn z, or keep its initial draw
    # What learned pixels start from: noise, or real training images.
    init: str = setting("noise", one_of(*names.INITS))
    # Above 0, labels are learned: softmax(soft_labels * (one-hot + learned)).
    soft_labels: float = setting(0.0, FROM_0)
    # Memory for the generator's activations, in GB; what exceeds it is recomputed.
    activation_gb: float = setting(2.0, FROM_0)

    def __post_init__(self) -> None:
        super().__post_init__()
        _expect_of_source(self, "init", PIXELS, self.init == "noise")
        _expect_of_source(self, "soft_labels", STORED, self.soft_labels == 0)


@dataclasses.dataclass(frozen=True)
class GeneratorConfig(Checked):
    """The network that turns noise and a label into an image."""

    _prefix: ClassVar[str] = "generator."

    units: int = setting(128, COUNT)  # units of the first dense layer
    filters: int = setting(32, COUNT)  # channels of the conv; twice as many before it
    weight_norm: bool = setting(True, FLAG)  # W = g * V / ||V|| in every layer
    # Steps that fit generator and latents to real images before meta-training.
    warm_start: int = setting(0, COUNT_OR_0)


@dataclasses.dataclass(frozen=True)
class RateFactorsConfig(Checked):
    """What `meta.learning_rate` is multiplied by for each group of variables."""

    _prefix: ClassVar[str] = "rate_factors."

    generator: float = setting(1.0, FROM_0)
    latents: float = setting(1.0, FROM_0)
    pixels: float = setting(1.0, FROM_0)
    labels: float = setting(1.0, FROM_0)
    inner_optimizer: float = setting(1.0, FROM_0)


def expect_groups(
    teacher: TeacherConfig, generator: GeneratorConfig, factors: RateFactorsConfig
) -> None:
    """Expects a warm start and factors only of what the teacher has.

    Args:
        teacher: Its settings.
        generator: Those of its generator.
        factors: Those of its groups of variables.

    Raises:
        ConfigError: If a setting would do nothing.
    """
    source = teacher.source
    if generator.warm_start and source not in GENERATED:
        raise ConfigError(
            f"generator.warm_start: expected 0 beside teacher.source={source} (a warm "
            f"start is of {', '.join(GENERATED)}), received {generator.warm_start}",
            "generator.warm_start",
        )
    has = {
        "generator": source in (*GENERATED, "no_curriculum"),
        "latents": source in GENERATED and teacher.learned_latents,
        "pixels": source in PIXELS,
        "labels": teacher.soft_labels > 0,
    }
    for group, there in has.items():
        factor = getattr(factors, group)
        if factor != 1 and not there:
            raise ConfigError(
                f"rate_factors.{group}: expected 1 where the teacher ({source}) learns "
                f"no {group}, received {factor:g}",
                f"rate_factors.{group}",
            )


def _expect_of_source(
    config: TeacherConfig, name: str, sources: tuple[str, ...], default: bool
) -> None:
    if not default and config.source not in sources:
        raise ConfigError(
            f"teacher.{name}: expected its default beside "
            f"teacher.source={config.source} ({name} is of {', '.join(sources)}), "
            f"received {shown(getattr(config, name))}",
            f"teacher.{name}",
        )
