"""Keras 2 where TensorFlow comes with Keras 3: `tf.keras` is the package tf-keras.

TensorFlow 2.15 has Keras 2 itself, and nothing is done. Later ones have Keras 3, unless
an environment variable says otherwise when `tf.keras` is first used.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import sys
import types
from typing import Any

_SWITCH = "TF_USE_LEGACY_KERAS"
_REMEDY = (
    f"import gtn_tf before anything that uses Keras, or set {_SWITCH}=1 before Python "
    "starts"
)
_TUNER = "keras_tuner.src"


def choose() -> None:
    """Makes `tf.keras` and KerasTuner use Keras 2, whichever was imported before.

    Raises:
        ImportError: If Keras 3 is already in use in this process, if
            `TF_USE_LEGACY_KERAS=0` is set, or if tf-keras is not installed.
    """
    if importlib.metadata.version("keras").startswith("2."):
        return
    if importlib.util.find_spec("tf_keras") is None:
        line = ".".join(importlib.metadata.version("tensorflow").split(".")[:2])
        raise ImportError(
            "gtn_tf needs tf-keras where TensorFlow comes with Keras 3, and it is not "
            f"installed: pip install 'tf-keras=={line}.*'"
        )
    if os.environ.setdefault(_SWITCH, "1").lower() not in ("1", "true"):
        raise ImportError(
            f"gtn_tf uses Keras 2 (tf-keras), and {_SWITCH} is "
            f"{os.environ[_SWITCH]!r}; set {_SWITCH}=1"
        )
    if "tensorflow" in sys.modules:
        _switch_tensorflow()
    if f"{_TUNER}.backend.config" in sys.modules:
        _switch_keras_tuner()
    else:
        # KerasTuner looks at the installed package keras, not by `tf.keras`.
        sys.modules[f"{_TUNER}.backend.config"] = _tuner_config()


def kind_of(thing: object) -> str:
    """Names what was received instead of a `tf.keras` model.

    Args:
        thing: Anything.

    Returns:
        Its class, and what to do if it is a Keras 3 model.

    Example:

    >>> kind_of(3)
    'int'
    """
    kind = type(thing)
    if any(base.__module__.startswith("keras.") for base in kind.__mro__):
        return f"a {kind.__name__} of Keras 3; make it with tf.keras"
    return kind.__name__


def is_of_keras(kind: Any) -> bool:
    """Whether a class or a function is Keras' own, on either TensorFlow.

    Args:
        kind: The class or the function.

    Example:

    >>> import tensorflow as tf
    >>> is_of_keras(tf.keras.losses.mean_squared_error), is_of_keras(int)
    (True, False)
    """
    return getattr(kind, "__module__", "").split(".")[0] in ("keras", "tf_keras")


def _switch_tensorflow() -> None:
    """Switches a TensorFlow that was imported, but not used yet."""
    import tensorflow as tf

    taken = sys.modules.get("tensorflow.keras", tf.keras)
    if taken.Model.__module__.startswith("keras."):
        raise ImportError(f"gtn_tf uses Keras 2, and Keras 3 is in use; {_REMEDY}")
    # TensorFlow's import has fixed what `from tensorflow.keras import ...` finds.
    sys.modules["tensorflow.keras"] = importlib.import_module("tf_keras.api._v2.keras")


def _tuner_config() -> types.ModuleType:
    """KerasTuner's own module, as it is where Keras 2 is installed."""
    config = types.ModuleType(f"{_TUNER}.backend.config")
    config.multi_backend = lambda: False  # type: ignore[attr-defined]
    config.backend = lambda: "tensorflow"  # type: ignore[attr-defined]
    return config


def _switch_keras_tuner() -> None:
    """Reloads in place what KerasTuner took from Keras 3; its own classes stay."""
    config = sys.modules[f"{_TUNER}.backend.config"]
    if not config.multi_backend():
        return
    config._MULTI_BACKEND = False  # type: ignore[attr-defined]
    names = [f"{_TUNER}.backend.{name}" for name in ("keras", "ops", "random")]
    names += [n for n in sys.modules if n.startswith(f"{_TUNER}.applications.")]
    for name in (*names, f"{_TUNER}.engine.tuner_utils"):
        importlib.reload(sys.modules[name])
