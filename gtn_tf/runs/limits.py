"""Rejects settings that this machine cannot run, before anything is built."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from gtn_tf import names
from gtn_tf.config import (
    Config,
    ConfigError,
    DartsConfig,
    EnasConfig,
    FinalConfig,
    GHNConfig,
    LearnersConfig,
    SearchConfig,
    SupernetConfig,
)
from gtn_tf.data import Splits
from gtn_tf.data.memory import memory_bytes
from gtn_tf.errors import shown
from gtn_tf.runs.directory import AnyConfig
from gtn_tf.runs.tables import expect_usable
from gtn_tf.shapes import is_vector

_NUMBER = 4  # bytes of a float32
# Bytes that Keras itself takes for the smallest network and for the smallest cell:
# two thirds and half of what was measured (147 kB and 976 kB).
_NETWORK, _CELL = 100_000, 500_000
_SEEDS, _INTEGERS = 2**63, 2**31  # limits of TensorFlow's integers


class Need(NamedTuple):
    """The least memory that a run takes.

    Args:
        what: What takes it.
        size: In bytes.
        keys: Settings that it grows with.
    """

    what: str
    size: float
    keys: tuple[str, ...]


def expect_possible(config: AnyConfig, splits: Splits) -> None:
    """Checks that settings can be run at all.

    What passes may still be too much: these are lower bounds, far below what a run will
    take. Networks of pictures cannot take a table.

    Args:
        config: The configuration.
        splits: The real data.

    Raises:
        ConfigError: If an integer is too large for TensorFlow, if something is larger
            than the memory of the machine, or needs pictures. It names the key.
    """
    expect_usable(config, splits)
    for key, value in _settings(config):
        limit = _SEEDS if key == "seed" else _INTEGERS
        if type(value) is int and value >= limit:
            power = limit.bit_length() - 1
            raise ConfigError(
                f"{key}: expected an integer below 2**{power}, received {shown(value)}",
                key,
            )
    needs: dict[type, Callable[..., Iterator[Need]]] = {
        Config: _of_meta_training,
        FinalConfig: _of_training,
        SearchConfig: _of_search,
        SupernetConfig: _of_search,
        GHNConfig: _of_ghn,
        DartsConfig: _of_search,
        EnasConfig: _of_enas,
    }
    memory = memory_bytes()
    for need in needs[type(config)](config, splits):
        if need.size > memory:
            raise _too_large(need, config, memory)


def _settings(config: Any) -> Iterator[tuple[str, Any]]:
    for name, value in dataclasses.asdict(config).items():
        if isinstance(value, dict):
            for key, entry in value.items():
                yield from _entries(f"{name}.{key}", entry)
        else:
            yield from _entries(name, value)


def _entries(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, tuple):
        for entry in value:
            yield from _entries(key, entry)
    else:
        yield key, value


def _too_large(need: Need, config: Any, memory: int) -> ConfigError:
    """Names the key that is furthest above its default."""
    usual = type(config)()
    key = max(need.keys, key=lambda k: _value(config, k) / max(1, _value(usual, k)))
    others = [f"{k} {_value(config, k)}" for k in need.keys if k != key]
    beside = f" beside {', '.join(others)}" if others else ""
    return ConfigError(
        f"{key}: expected {need.what} that fit in the memory of {memory / 1e9:.0f} GB, "
        f"received {_value(config, key)}{beside}, which take at least "
        f"{need.size / 1e9:.3g} GB",
        key,
    )


def _value(config: Any, key: str) -> int:
    return _largest(functools.reduce(getattr, key.split("."), config))


def _largest(value: Any) -> int:
    """A width, or the largest of several."""
    return max(map(_largest, value), default=0) if isinstance(value, tuple) else value


def _of_meta_training(config: Config, splits: Splits) -> Iterator[Need]:
    teacher, generator, learners = config.teacher, config.generator, config.learners
    shape = splits.image_shape
    examples = teacher.steps * teacher.batch_size
    of_lessons = "teacher.steps", "teacher.batch_size"
    lessons = examples * math.prod(shape)
    yield Need("lessons", lessons * _NUMBER, of_lessons)
    if teacher.source not in ("real_data", "dataset_distillation"):
        latents = examples * teacher.latent_size
        yield Need("latents", latents * _NUMBER, ("teacher.latent_size", *of_lessons))
        weights = (teacher.latent_size + splits.num_classes) * generator.units
        of_generator: tuple[str, ...] = "generator.units", "teacher.latent_size"
        if is_vector(shape):
            weights += generator.units * (generator.units + shape[0])
        else:
            # Of the first convolution's images.
            pixels = -(-shape[0] // 4) * -(-shape[1] // 4)
            weights += generator.units * pixels * 2 * generator.filters
            weights += 9 * 2 * generator.filters**2
            of_generator = "generator.filters", *of_generator
        # Adam has two more numbers of each.
        yield Need("weights of the generator", 3 * weights * _NUMBER, of_generator)
    yield Need("networks", learners.pool_size * _NETWORK, ("learners.architectures",))
    learner = _of_learner(learners.networks()[0], splits)
    yield learner
    if config.meta.estimator_settings().persists:
        per_iteration = config.meta.learners_per_iteration
        alive = config.meta.persistent_learners * per_iteration
        of_alive = "meta.persistent_learners", "meta.learners_per_iteration"
        keys = *of_alive, *learner.keys
        yield Need("learners that live on", alive * learner.size, keys)
    count = config.meta.learners_per_iteration * splits.num_classes
    yield Need("logits", count * _NUMBER, ("meta.learners_per_iteration",))
    tested = config.evaluation.learners
    yield Need("accuracies", tested * _NUMBER, ("evaluation.learners",))


def _of_learner(learner: LearnersConfig, splits: Splits) -> Need:
    """The weights of the first network of a pool."""
    keys: tuple[str, ...] = "learners.cells", "learners.cell_filters"
    if learner.family in names.SPACES:
        return _of_cells(learner.cells, learner.cell_filters, keys)
    weights, keys, units_of = 0, ("learners.units",), learner.units
    inputs = math.prod(splits.image_shape)
    if learner.family in ("conv", "resnet"):
        height, width, channels = splits.image_shape
        residual = learner.family == "resnet"  # a second convolution, no dense layers
        keys = ("learners.filters",) if residual else ("learners.filters", *keys)
        units_of = () if residual else units_of
        for filters, stride in zip(map(_least, learner.filters), learner.strides):
            weights += 9 * (channels + residual * filters) * filters
            height, width, channels = -(-height // stride), -(-width // stride), filters
        if learner.global_pooling or residual:
            height = width = 1
        inputs = height * width * channels
    for units in (*map(_least, units_of), splits.num_classes):
        weights += inputs * units
        inputs = units
    return Need("weights of a learner", weights * _NUMBER, keys)


def _of_training(config: FinalConfig, splits: Splits) -> Iterator[Need]:
    network = config.network
    keys = "network.cells", "network.filters"
    yield _of_cells(network.cells, network.filters, keys)


def _of_ghn(config: GHNConfig, splits: Splits) -> Iterator[Need]:
    state, hidden = config.ghn.state, config.ghn.hidden
    # Adam has two more numbers of each.
    weights = 3 * (6 * state**2 + 9 * state * hidden + 2 * hidden**2)
    yield Need("hypernetworks", weights * _NUMBER, ("ghn.state", "ghn.hidden"))
    yield from _of_search(config, splits)


def _of_enas(config: EnasConfig, splits: Splits) -> Iterator[Need]:
    # Adam has two more numbers of each.
    weights = 3 * 8 * config.search.units**2
    yield Need("controllers", weights * _NUMBER, ("search.units",))
    yield from _of_search(config, splits)


def _of_search(
    config: SearchConfig | SupernetConfig | GHNConfig | DartsConfig | EnasConfig,
    splits: Splits,
) -> Iterator[Need]:
    keys = "space.cells", "space.filters"
    yield _of_cells(config.space.cells, config.space.filters, keys)


def _of_cells(cells: int, filters: int, keys: tuple[str, ...]) -> Need:
    # The last part begins with a convolution from twice to four times the filters.
    weights = 2 * filters * 4 * filters
    return Need("cells", weights * _NUMBER + 3 * cells * _CELL, keys)


def _least(width: Any) -> int:
    """A width, or the smallest that may be drawn."""
    return width[0] if isinstance(width, tuple) else width
