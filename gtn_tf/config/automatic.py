"""A configuration that fits data of any kind: a first teacher within minutes.

Learned pixels that start at real images, with learned soft labels: of all teachers,
the best ones for the same time on the processor (results/teachers_ablation). What is
left to choose is how large everything is, so that enough meta-iterations fit in.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping

from gtn_tf.config.cost import DataFacts, iteration_seconds
from gtn_tf.config.schema import (
    Config,
    DataConfig,
    EvaluationConfig,
    InnerOptimizerConfig,
    LearnersConfig,
    MetaConfig,
)
from gtn_tf.config.teacher import RateFactorsConfig, TeacherConfig

SECONDS = 900  # from the command to the teacher
_OTHER_SECONDS = 120  # reading, tracing, tests and files
_WANTED, _MOST, _FEWEST = 500, 2000, 50  # meta-iterations
_BASELINE = 150  # at most, of the real-data baseline, and a share of the others:
_BASELINE_SHARE = 6
_EPOCH_SECONDS = 30  # between log lines, unless an iteration takes longer
_EPOCHS = (50, 25, 10, 5, 2, 1)  # iterations of one
_SHARE = 0.86  # of its class in the initial label of an example, as of 10 classes at 4
_FEWEST_STEPS = 8  # of a small table
_MOST_FLAT = 10**6  # weights behind the last convolution, before pixels are averaged
MOST_LESSON_BYTES = 2**30  # as of an export
_LARGEST, _SMALL = 64, 32  # sides of images, in pixels

# Steps as long as a share of the weights: images of any kind, of which some have so
# large a mean that other steps diverge.
_LAMB = InnerOptimizerConfig("lamb", learning_rate=0.05, beta_1=0.5, beta_2=0.95)

# From rich to cheap: channels of the first convolution, images of a meta-loss, steps.
# The first that leaves time for enough meta-iterations is taken.
_LADDER = (
    (32, 512, 32),
    (32, 256, 32),
    (24, 256, 32),
    (16, 256, 32),
    (16, 128, 32),
    (16, 128, 24),
    (8, 128, 24),
    (8, 128, 16),
)


def automatic_config(
    facts: DataFacts, cores: int, data: DataConfig | None = None, seed: int = 0
) -> Config:
    """Chooses all settings by the size of the data and of the machine.

    Args:
        facts: The data.
        cores: Number of cores.
        data: The `data` section, which stays as it is.
        seed: Of the configuration.

    Returns:
        The configuration, whose training takes about 15 minutes, or less; longer where
        the images are so large, or the classes so many, that the fewest meta-iterations
        take longer.

    Example:

    >>> config = automatic_config(DataFacts((28, 28, 1), 10, 50_000), cores=2)
    >>> config.teacher.steps, config.teacher.batch_size, config.learners.strides
    (32, 32, (2, 2))
    """
    data = data or DataConfig()
    configs = (_config(rung, facts, cores, data, seed) for rung in _LADDER)
    found = next(configs)
    for config in configs:
        if found.meta.iterations >= _WANTED:
            break
        found = config
    return found


def expected_seconds(config: Config, facts: DataFacts, cores: int) -> float:
    """Estimates the time of a whole run: meta-training, baseline and the rest.

    Args:
        config: As for `iteration_seconds`.
        facts: Its data.
        cores: Number of cores.
    """
    count = config.meta.iterations + config.evaluation.real_data_iterations
    return _OTHER_SECONDS + count * iteration_seconds(config, facts, cores)


def automatic_image_size(sizes: Mapping[tuple[int, int], int]) -> tuple[int, int] | int:
    """Chooses the size that pictures get.

    Args:
        sizes: How many there are of each height and width.

    Returns:
        0, as stored, if all have one size of at most 64 pixels on each side; else
        height and width in the proportion of their medians, the larger one 32, or what
        it is if that is less.

    Example:

    >>> automatic_image_size({(28, 28): 9})
    0
    >>> automatic_image_size({(480, 640): 5, (300, 400): 1})
    (24, 32)
    """
    if len(sizes) <= 1 and max(max(size) for size in [*sizes, (0, 0)]) <= _LARGEST:
        return 0
    height, width = (_median(sizes, k) for k in (0, 1))
    scale = min(1.0, _SMALL / max(height, width))
    # A side of a very long picture still has a few pixels.
    return max(8, round(height * scale)), max(8, round(width * scale))


def reasons(config: Config, facts: DataFacts, cores: int) -> list[str]:
    """Says what was chosen, and why.

    Args:
        config: From `automatic_config`.
        facts: Its data.
        cores: Number of cores.

    Returns:
        A few lines.
    """
    return [*_reasons(config, facts, cores)]


def _reasons(config: Config, facts: DataFacts, cores: int) -> Iterator[str]:
    teacher, learners, meta = config.teacher, config.learners, config.meta
    table = facts.is_table
    noun = "examples" if table else "images"
    sides = " x ".join(map(str, facts.image_shape))
    yield (
        f"settings chosen for {facts.train_images} training {noun} of {sides}"
        f"{' features' * table}, {facts.num_classes} classes, {cores} cores:"
    )
    each = teacher.steps * teacher.batch_size / facts.num_classes
    yield (
        f"  teacher: {teacher.steps} steps of {teacher.batch_size} learned {noun} with "
        f"learned labels, from real ones, {each:.3g} of each class"
    )
    yield (
        f"  learners: {len(learners.units)} hidden dense layers of {[*learners.units]} "
        "units, since a table has no pictures"
        if table
        else f"  learners: {len(learners.filters)} convolutions of "
        f"{[*learners.filters]} channels, by the images' size and the time"
    )
    step = iteration_seconds(config, facts, cores)
    yield (
        f"  {meta.iterations} meta-iterations on {meta.batch_size} real {noun}, of "
        f"about {step:.2g} s each: about "
        f"{max(1, round(expected_seconds(config, facts, cores) / 60))} minutes in all"
    )
    yield "  any section.key=value changes one of them; config.yaml has them all"


def _config(
    rung: tuple[int, int, int],
    facts: DataFacts,
    cores: int,
    data: DataConfig,
    seed: int,
) -> Config:
    width, real, steps = rung
    classes = facts.num_classes
    if facts.is_table:
        # More lessons than there are examples would teach nothing that these do not.
        steps = min(steps, max(_FEWEST_STEPS, facts.train_images // 32))
    # A batch has each class at least once; if they are thousands, all lessons have.
    batch = max(32, min(classes, 128), -(-classes // steps))
    # Fewer, where so many large images would be an export that nobody can load.
    most = max(1, MOST_LESSON_BYTES // (4 * math.prod(facts.image_shape)))
    steps = min(steps, most)
    batch = min(batch, most // steps)
    learners = _learners(width, facts)
    config = Config(
        seed=seed,
        data=data,
        teacher=TeacherConfig(
            source="dataset_distillation",
            steps=steps,
            batch_size=batch,
            init="real",
            soft_labels=_label_scale(classes),
        ),
        learners=learners,
        inner_optimizer=_LAMB,
        meta=MetaConfig(
            iterations=_FEWEST,
            batch_size=min(real, facts.train_images),
            gradient_clip=2.0,
            intermediate_every=8 if steps > 8 else 4,
        ),
        rate_factors=RateFactorsConfig(inner_optimizer=3.0),
    )
    return _timed(config, facts, cores)


def _timed(config: Config, facts: DataFacts, cores: int) -> Config:
    """Sets the meta-iterations, and how many make an epoch, by their time."""
    each = iteration_seconds(config, facts, cores)
    epoch = next((n for n in _EPOCHS if n * each <= _EPOCH_SECONDS), 1)
    meta = dataclasses.replace(config.meta, iterations_per_epoch=epoch)
    config = dataclasses.replace(config, meta=meta)
    each = iteration_seconds(config, facts, cores)  # with a validation in each epoch
    fitting = (SECONDS - _OTHER_SECONDS) / each / (1 + 1 / _BASELINE_SHARE)
    iterations = int(min(_MOST, max(_FEWEST, fitting))) // epoch * epoch
    baseline = min(_BASELINE, iterations // _BASELINE_SHARE) // epoch * epoch
    return dataclasses.replace(
        config,
        meta=dataclasses.replace(meta, iterations=iterations),
        evaluation=EvaluationConfig(real_data_iterations=max(epoch, baseline)),
    )


def _learners(width: int, facts: DataFacts) -> LearnersConfig:
    """Convolutions until few pixels are left, each but the first twice as wide.

    Of a table, dense layers, the second half as wide.
    """
    if facts.is_table:
        return LearnersConfig(family="mlp", units=(8 * width, 4 * width))
    height, breadth, _ = facts.image_shape
    side = max(height, breadth)
    count = max(2, math.ceil(math.log2(side / 8)) if side > _SMALL else 2)
    strides = (1 if side < 12 else 2, *[2] * (count - 1))
    filters = (width, *[2 * width] * (count - 1))
    after = [-(-one // math.prod(strides)) for one in (height, breadth)]
    flat = math.prod(after) * filters[-1] * facts.num_classes
    return LearnersConfig(
        filters=filters,
        units=(),
        strides=strides,
        # A pool sees every pixel, which takes long if there are many.
        downsample="max_pool" if side <= _SMALL else "stride",
        global_pooling=flat > _MOST_FLAT,
    )


def _label_scale(classes: int) -> float:
    """How strongly labels begin: 4 for 10 classes, likewise sure of more."""
    return max(4.0, round(math.log(_SHARE / (1 - _SHARE) * (classes - 1)), 1))


def _median(sizes: Mapping[tuple[int, int], int], axis: int) -> int:
    ordered = sorted((size[axis], count) for size, count in sizes.items())
    half, seen = sum(sizes.values()) / 2, 0
    for side, count in ordered:
        seen += count
        if seen >= half:
            return side
    return 0
