"""The choice between the unrolls."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.errors import ArgumentError, not_one_of
from gtn_tf.inner.unrolls.contract import Unroll
from gtn_tf.names import UNROLLS

_LOG = logging.getLogger(__name__)

# The most that `keep` may hold in memory: little enough for any machine.
_KEPT_BYTES = 2**30
# Measured: a step and its derivative store about three times the outputs of all
# layers (results/benchmark).
_COPIES = 3


def choose_unroll(
    name: str,
    learners: Sequence[Any],
    steps: int,
    batch_size: int,
    lengthens: bool = False,
) -> tuple[str, Unroll]:
    """Returns the unroll called `name`; `"auto"` picks the fastest that fits.

    The reason is logged.

    Args:
        name: `"nested_tapes"`, `"keep"`, `"recompute"` or `"auto"`.
        learners: The networks of the pool.
        steps: Inner-loop steps, T, that are differentiated at a time.
        batch_size: Examples in a step.
        lengthens: Whether the number of steps changes during meta-training, which
            only `"recompute"` supports.

    Returns:
        The unroll's name and function.

    Raises:
        ValueError: If there is no unroll of this name.

    Example:

    >>> from gtn_tf.functional import PureModel
    >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=[2])])
    >>> choose_unroll("auto", [PureModel(model)], steps=32, batch_size=64)[0]
    'keep'
    """
    if lengthens and name == "auto":
        name = "recompute"
        _LOG.info("unroll: recompute, since the number of inner steps grows")
    if name == "auto":
        kept = max(steps * kept_bytes(learner, batch_size) for learner in learners)
        name = "keep" if kept <= _KEPT_BYTES else "recompute"
        take = (
            f"about {kept / 1e9:.2f} GB" if math.isfinite(kept) else "no known memory"
        )
        _LOG.info(
            "unroll: %s, since the activations of %d steps take %s (%.2f GB are kept "
            "at most)",
            *(name, steps, take, _KEPT_BYTES / 1e9),
        )
    if name not in UNROLLS:
        raise ArgumentError(not_one_of("unroll", name, ("auto", *UNROLLS)))
    return name, UNROLLS.load(name)


def kept_bytes(learner: Any, batch_size: int) -> float:
    """Estimates what `keep` holds of one step, in bytes; infinite if it is unknown."""
    try:
        outputs = tf.nest.flatten([layer.output for layer in learner.model.layers])
    except AttributeError:
        return math.inf  # of a subclassed model, or an architecture that is drawn
    numbers = sum(math.prod(output.shape[1:]) for output in outputs)
    return _COPIES * batch_size * numbers * tf.as_dtype(outputs[0].dtype).size
