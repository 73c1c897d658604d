"""The real data of a configuration."""

from __future__ import annotations

import os
from typing import Any

from gtn_tf import data
from gtn_tf.config import ConfigError, DataConfig
from gtn_tf.data import Splits
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
