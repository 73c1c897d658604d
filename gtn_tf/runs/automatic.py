"""The configuration that fits a user's data, which is read for its facts alone."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable

from gtn_tf.config import Config, DataConfig
from gtn_tf.config.automatic import (
    automatic_config,
    automatic_image_size,
    reasons,
)
from gtn_tf.config.cost import DataFacts
from gtn_tf.data.source import Source, with_all_parts
from gtn_tf.runs.machine import available_cores
from gtn_tf.runs.splits import load_splits, read_source
from gtn_tf.shapes import is_vector

_TINY = (8, 8)  # pixels; their size does not matter here


def choose_config(
    chosen: DataConfig,
    data_dir: str | os.PathLike[str] | None = None,
    seed: int = 0,
    cores: int | None = None,
    report: Callable[[str], None] = print,
) -> Config:
    """Chooses the settings of a meta-training by its data and the machine.

    Args:
        chosen: The `data` section, with a path, or the name of a table or of
            tensorflow-datasets; an `image_size` in it stays.
        data_dir: Folder of tensorflow-datasets.
        seed: Of the configuration.
        cores: Number of cores; by default those that this process may use.
        report: Called with each line of the reasons.

    Returns:
        The configuration.

    Raises:
        DataError: If the data cannot be used.
        ConfigError: If a setting does not fit it.
    """
    cores = cores or available_cores()
    data = chosen
    if chosen.is_own:
        size = chosen.image_size or _TINY  # sizes may differ
        found = read_source(chosen, data_dir, image_size=size)
        source = with_all_parts(found, seed % 2**32)
        if not (chosen.image_size or is_vector(source.image_shape)):
            data = dataclasses.replace(
                chosen, image_size=automatic_image_size(source.sizes)
            )
        facts = _facts(source, data)
    else:
        splits = load_splits(chosen, data_dir, seed=seed % 2**32)
        counts = len(splits.train_labels), len(splits.validation_labels)
        facts = DataFacts(splits.image_shape, splits.num_classes, *counts)
    config = automatic_config(facts, cores, data, seed)
    for line in reasons(config, facts, cores):
        report(line)
    return config


def _facts(source: Source, data: DataConfig) -> DataFacts:
    shape = source.image_shape
    if not is_vector(shape):
        size = data.image_size or next(iter(source.sizes))
        shape = *(size if isinstance(size, tuple) else (size, size)), shape[-1]
    return DataFacts(
        shape,
        len(source.class_names),
        len(source.parts["train"].labels),
        len(source.parts["validation"].labels),
    )
