"""The real data of a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gtn_tf import data
from gtn_tf.config import DataConfig
from gtn_tf.data import Splits


def load_splits(chosen: DataConfig, data_dir: Path | None, **kwargs: Any) -> Splits:
    """Loads what a configuration's `data` section says.

    Args:
        chosen: That section.
        data_dir: Folder with the data files.
        **kwargs: Passed to `gtn_tf.data.load`: `seed`, `batch_size`.

    Raises:
        DataError: If the data cannot be used.
    """
    return data.load(
        chosen.name,
        data_dir=data_dir,
        augment=chosen.augment,
        cutout=chosen.cutout,
        image_size=chosen.image_size or None,
        **kwargs,
    )
