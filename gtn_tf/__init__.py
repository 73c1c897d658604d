"""Generative Teaching Networks on Keras: a generator learns to teach.

Such et al. 2020, *Generative Teaching Networks*, arXiv 1912.07768.

Example:

>>> import gtn_tf
>>> digits = gtn_tf.data.load("digits")
>>> digits.image_shape
(8, 8, 1)
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from gtn_tf import legacy_keras

# oneDNN makes a meta-iteration 1.6-1.9x faster on CPUs where TensorFlow 2.15
# leaves it off. TensorFlow reads the switch once, when it is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
legacy_keras.choose()

__version__ = "0.1.0"

_ROOMS = ("config", "data", "layers", "learners", "search", "teachers", "teaching")
_NAMES = {
    "AdamByGroup": "gtn_tf.adam_by_group",
    "Augmentation": "gtn_tf.data",
    "FullUnroll": "gtn_tf.inner",
    "GTN": "gtn_tf.gtn",
    "GTNError": "gtn_tf.errors",
    "GTNOracle": "gtn_tf.search",
    "GTNTuner": "gtn_tf.search",
    "Generator": "gtn_tf.generator",
    "KernelRidge": "gtn_tf.inner",
    "LearnedAdam": "gtn_tf.inner",
    "LearnedLAMB": "gtn_tf.inner",
    "LearnedRMSProp": "gtn_tf.inner",
    "LearnedSGD": "gtn_tf.inner",
    "LengtheningUnroll": "gtn_tf.inner",
    "PersistentWindow": "gtn_tf.inner",
    "RandomWindow": "gtn_tf.inner",
    "TruncatedUnroll": "gtn_tf.inner",
    "load_teacher": "gtn_tf.teaching",
    "teach": "gtn_tf.teaching",
}
__all__ = [*_NAMES, *_ROOMS]


def __getattr__(name: str) -> Any:
    # Lazy, so that `gtn_tf.cli --help` and a mistyped config answer at once
    # and not after the five seconds that importing TensorFlow takes.
    if name in _ROOMS:
        return importlib.import_module(f"gtn_tf.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'gtn_tf' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
