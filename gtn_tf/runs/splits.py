"""The real data of a configuration."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gtn_tf import data
from gtn_tf.config import (
    AugmentationConfig,
    ConfigError,
    DartsConfig,
    DataConfig,
    EnasConfig,
    FinalConfig,
    GHNConfig,
    SupernetConfig,
    load_config,
)
from gtn_tf.data import Augmentation, Splits
from gtn_tf.data.catalog import find_entry
from gtn_tf.data.paths import read_path
from gtn_tf.data.resizing import expect_resizable
from gtn_tf.data.source import Source
from gtn_tf.data.tfds_source import read_tfds
from gtn_tf.errors import ArgumentError
from gtn_tf.names import DATASETS
from gtn_tf.teaching import BUNDLED


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
        **kwargs: As for `gtn_tf.data.load`: `seed`, `batch_size`.

    Raises:
        ConfigError: If a setting does not fit the data; it names the key.
        DataError: If the data cannot be used.
    """
    kwargs.update(
        augment=chosen.augment,
        cutout=chosen.cutout,
        image_size=chosen.image_size or None,
        resize=chosen.resize,
    )
    with _naming_keys(batch_size_key):
        if not chosen.path:
            return data.load(chosen.name, data_dir=data_dir, **kwargs)
        return data.from_path(
            chosen.path,
            label_column=chosen.label_column,
            image_shape=chosen.image_shape,
            on_error=chosen.on_error,
            **kwargs,
        )


def load_training_splits(
    config: FinalConfig | SupernetConfig | GHNConfig | DartsConfig | EnasConfig,
    data_dir: str | os.PathLike[str] | None,
) -> Splits:
    """Loads the data of a training, in the batches of its `training` section.

    Args:
        config: The configuration.
        data_dir: As for `load_splits`.

    Raises:
        ConfigError: If a setting does not fit the data; it names the key.
        DataError: If the data cannot be used.
    """
    return load_splits(
        config.data,
        data_dir,
        "training.batch_size",
        seed=config.seed % 2**32,
        batch_size=config.training.batch_size,
    )


def read_source(
    chosen: DataConfig,
    data_dir: str | os.PathLike[str] | None = None,
    **changes: Any,
) -> Source:
    """Reads a user's data, or that of tensorflow-datasets, as it is found.

    Args:
        chosen: A `data` section with a path, or with such a name.
        data_dir: As for `load_splits`.
        **changes: Settings of it that are others here.

    Raises:
        ConfigError: If a setting does not fit the data; it names the key.
        DataError: If the data cannot be used.
    """
    settings = dataclasses.replace(chosen, **changes)
    size = settings.image_size or None
    with _naming_keys():
        if not settings.path:
            return read_tfds(settings.name, data_dir, size, settings.resize)
        source = read_path(
            Path(settings.path).expanduser(),
            size,
            settings.resize,
            settings.label_column,
            settings.image_shape,
            settings.on_error,
        )
        expect_resizable(source.image_shape, chosen.image_size, chosen.resize)
        return source


@contextlib.contextmanager
def _naming_keys(batch_size_key: str = "meta.batch_size") -> Iterator[None]:
    """Turns errors about arguments of `gtn_tf.data` into errors about settings.

    Args:
        batch_size_key: As for `load_splits`.

    Raises:
        ConfigError: In place of an `ArgumentError` that names its argument.
    """
    try:
        yield
    except ArgumentError as error:
        if not error.argument:
            raise
        own = {"batch_size": batch_size_key, "seed": "seed"}
        key = own.get(error.argument, f"data.{error.argument}")
        raise ConfigError(f"{key}: {error}", key) from None


def data_of_run(source: str | os.PathLike[str]) -> DataConfig | None:
    """The data of the run that a teacher is of, by the `config.yaml` of the run.

    A teacher itself does not say where its data was: it may be published.

    Args:
        source: As for `gtn_tf.load_teacher`: a run directory, or the export in it.

    Returns:
        The configuration's `data` section; `None` if there is no such run.

    Example:

    >>> data_of_run("digits") is None
    True
    """
    path = Path(source).expanduser().resolve()
    in_export = [path.parents[1]] if path.parent.name == "export" else []
    for place in (path, *([path.parent] if path.name == "export" else in_export)):
        file = place / "config.yaml"
        if os.fspath(source) not in BUNDLED and file.is_file():
            with contextlib.suppress(ConfigError):  # of another job
                return load_config(str(file)).data
    return None


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
    # Whether others may be mirrored, only their owner knows.
    known = splits.name in DATASETS
    if chosen.mirror and known and not find_entry(splits.name).mirrorable:
        raise ConfigError(
            f"{key}: expected false for {splits.name}, whose images may not be "
            "mirrored, received true",
            key,
        )
    try:
        Augmentation(**vars(chosen)).check(splits.image_shape)
    except ArgumentError as error:
        raise ConfigError(str(error)) from None
