"""What a meta-training will cost, before any network is built.

A rough count, fitted to the CPU seconds of six meta-trainings, from 8x8 to 48x64
pixels, within 30%: enough to choose between settings. Two cores that share their time
with other work take about as many seconds; alone, they are faster. Other processors
may take twice as long.

The time of small convolutions is not that of their multiplications, but of reading and
writing what comes between them: pools, norms and ReLUs wait for the memory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from gtn_tf.config.schema import Config, LearnersConfig

# Passes through a learner, each as long as the one forwards. A lesson: forwards and
# backwards, and both once more for the meta-gradient, whose second derivatives take
# as long as three further ones. A real image of a meta-loss: forwards and backwards.
_LESSON_PASSES, _REAL_PASSES, _TEST_PASSES = 9, 3, 3
_VALUE = 200  # operations in the time of a value between two layers
# Fitted, in seconds on two shared cores. A multiplication and an addition count two.
_PER_OPERATION = 1 / 270e9
_PER_STEP = 11e-3  # however small the networks are
_PER_WEIGHT = 45e-9  # of weight norm and updates, in each step
_CORES_POWER = 0.8  # four cores are not twice as fast as two
_TESTED = 4  # learners that share the validation images


class DataFacts(NamedTuple):
    """The facts of a data set that costs depend on.

    Args:
        image_shape: `(height, width, channels)`, or `(features,)` of a table.
        num_classes: Number of classes.
        train_images: Number of training images.
        validation_images: Number of validation images.
    """

    image_shape: tuple[int, ...]
    num_classes: int
    train_images: int
    validation_images: int = 0

    @property
    def is_table(self) -> bool:
        """Whether its examples are lines of a table."""
        return len(self.image_shape) == 1


class _Size(NamedTuple):
    operations: float  # of a pass forwards, for one image
    weights: int


def iteration_seconds(config: Config, facts: DataFacts, cores: int) -> float:
    """Estimates the time of a meta-iteration of convolutional or dense learners.

    Args:
        config: A configuration whose learners are `conv` or `mlp`, with the full
            unroll.
        facts: Its data.
        cores: Number of cores.

    Returns:
        Seconds, with the share of a validation that each has.

    Example:

    >>> facts = DataFacts((8, 8, 1), 10, 1000)
    >>> iteration_seconds(Config(), facts, 8) < iteration_seconds(Config(), facts, 2)
    True
    """
    size = _size(config.learners, facts)
    teacher, meta = config.teacher, config.meta
    lessons = teacher.steps * teacher.batch_size
    losses = math.ceil(teacher.steps / (meta.intermediate_every or teacher.steps))
    real = losses * meta.batch_size
    trained = _LESSON_PASSES * lessons + _REAL_PASSES * real
    tested = _TESTED * _TEST_PASSES * lessons + facts.validation_images
    passes = trained + tested / meta.iterations_per_epoch
    step = _PER_STEP + size.weights * _PER_WEIGHT
    on_two = passes * size.operations * _PER_OPERATION + teacher.steps * step
    return float(on_two / (cores / 2) ** _CORES_POWER)


def _size(learners: LearnersConfig, facts: DataFacts) -> _Size:
    if learners.family == "mlp":
        return _with_dense(math.prod(facts.image_shape), _Size(0, 0), learners, facts)
    operations, weights = 0, 0
    height, width, channels = facts.image_shape
    pooled = learners.downsample != "stride"
    for filters, stride in zip(map(_widest, learners.filters), learners.strides):
        after = -(-height // stride), -(-width // stride)
        height, width = (height, width) if pooled else after
        kernel = 9 * channels * filters
        operations += height * width * (2 * kernel + _VALUE * filters)
        weights += kernel
        (height, width), channels = after, filters
    inputs = channels * (1 if learners.global_pooling else height * width)
    return _with_dense(inputs, _Size(operations, weights), learners, facts)


def _with_dense(
    inputs: int, before: _Size, learners: LearnersConfig, facts: DataFacts
) -> _Size:
    """Adds the dense layers."""
    operations, weights = before
    for units in (*map(_widest, learners.units), facts.num_classes):
        operations += 2 * inputs * units + _VALUE * units
        weights += inputs * units
        inputs = units
    return _Size(operations, weights)


def _widest(width: int | Sequence[int]) -> int:
    return width if isinstance(width, int) else max(width)
