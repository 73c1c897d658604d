"""Data sets of images and tables, split and normalised, as `tf.data` streams."""

from __future__ import annotations

from gtn_tf.data.arrays import from_arrays
from gtn_tf.data.datasets import from_datasets
from gtn_tf.data.directory import from_directory
from gtn_tf.data.errors import DataError
from gtn_tf.data.load import load
from gtn_tf.data.paths import from_path
from gtn_tf.data.shared_augmentation import Augmentation
from gtn_tf.data.splits import Splits

__all__ = [
    "Augmentation",
    "DataError",
    "Splits",
    "from_arrays",
    "from_datasets",
    "from_directory",
    "from_path",
    "load",
]
