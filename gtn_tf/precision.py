"""Keras' precision within a context."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from gtn_tf.errors import ArgumentError


@contextlib.contextmanager
def precision(name: str) -> Iterator[None]:
    """Sets the precision of the layers made within the context.

    Args:
        name: `"float32"`, `"float64"`, or a policy such as `"mixed_float16"`.

    Example:

    >>> with precision("float64"):
    ...     print(tf.keras.layers.Dense(1).dtype)
    float64
    """
    floatx, before = tf.keras.backend.floatx(), tf.keras.mixed_precision.global_policy()
    if name in ("float32", "float64"):
        tf.keras.backend.set_floatx(name)
    tf.keras.mixed_precision.set_global_policy(name)
    try:
        yield
    finally:
        tf.keras.backend.set_floatx(floatx)
        # New layers follow `floatx`, as others expect, only while no policy is set.
        same = before.name == floatx
        tf.keras.mixed_precision.set_global_policy(None if same else before)


def expect_full_precision() -> None:
    """Checks that the parts of a meta-training are not in mixed precision.

    The gradient of a gradient has a far wider range than float16 holds.

    Raises:
        ArgumentError: If Keras' global policy is a mixed one.

    Example:

    >>> with precision("mixed_float16"):
    ...     expect_full_precision()
    Traceback (most recent call last):
        ...
    gtn_tf.errors.ArgumentError: expected float32 or float64 for meta-training, \
received the global policy mixed_float16; \
tf.keras.mixed_precision.set_global_policy("float32") sets it
    """
    policy = tf.keras.mixed_precision.global_policy()
    if policy.compute_dtype != policy.variable_dtype:
        raise ArgumentError(
            "expected float32 or float64 for meta-training, received the global policy "
            f"{policy.name}; "
            'tf.keras.mixed_precision.set_global_policy("float32") sets it'
        )
