"""The real data of a configuration."""

from __future__ import annotations

import os
from typing import Any

from gtn_tf import data
from gtn_tf.config import AugmentationConfig, ConfigError, DataConfig
from gtn_tf.data import Augmentation, Splits
from gtn_tf.data.catalog import find_entry
from gtn_tf.errors import ArgumentError


def load_splits(
    chosen: DataConfig,
    data_dir: str | os.PathLike[str] | None,
    batch_size_key: str = "meta.batch_size",
    **kwargs: Any,
) -> Splits:
    """Loads the data of a configuration's `data` section.

    Args:
        chosen: That section.
        data_dir: Folder with the data files.
        batch_size_key: Key of `batch_size` in the configuration.
        **kwargs: Passed to `gtn_tf.data.load`: `seed`, `batch_size`.

    Raises:
        ConfigError: If a setting does not fit the data; it names the key.
        DataError: If the data cannot be used.
    """
    try:
        return data.load(
            chosen.name,
            data_dir=data_dir,
            augment=chosen.augment,
            cutout=chosen.cutout,
            image_size=chosen.image_size or None,
            **kwargs,
        )
    except ArgumentError as error:
        if not error.argument:
            raise
        own = {"batch_size": batch_size_key, "seed": "seed"}
        key = own.get(error.argument, f"data.{error.argument}")
        raise ConfigError(f"{key}: {error}", key) from None


def expect_augmentable(chosen: AugmentationConfig, splits: Splits) -> None:
    """Checks that images can be augmented as a configuration asks.

    Args:
        chosen: Its `augmentation` section.
        splits: The real data.

    Raises:
        ConfigError: If the images are too small, or if mirrored ones are another
            class.
    """
    key = "augmentation.mirror"
    if chosen.mirror and not find_entry(splits.name).augmentable:
        raise ConfigError(
            f"{key}: expected false for {splits.name}, whose images may not be "
            "mirrored, received true",
            key,
        )
    try:
        Augmentation(**vars(chosen)).check(splits.image_shape)
    except ArgumentError as error:
        raise ConfigError(str(error)) from None
