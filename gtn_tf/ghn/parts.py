"""Weights by name, in one vector."""

from __future__ import annotations

import math
from typing import NamedTuple

import tensorflow as tf


class _Part(NamedTuple):
    shape: tuple[int, ...]
    gain: float


class Parts:
    """Where each weight is in a vector, and how it is drawn.

    Example:

    >>> parts = Parts()
    >>> parts.add("kernel", [3, 2])
    >>> parts.add("bias", [2], gain=0)
    >>> vector = parts.fresh(tf.constant([0, 1]))
    >>> {name: w.shape.as_list() for name, w in parts.split(vector).items()}
    {'kernel': [3, 2], 'bias': [2]}
    """

    def __init__(self) -> None:
        self._parts: dict[str, _Part] = {}

    @property
    def size(self) -> int:
        """Of the vector."""
        return sum(self._sizes())

    def add(self, name: str, shape: list[int], gain: float = 1.0) -> None:
        """Adds a weight behind the others.

        Args:
            name: Of the weight.
            shape: Of the weight, `[..., inputs, outputs]`, or `[outputs]`.
            gain: Inputs of variance 1 give outputs of this standard deviation.
        """
        self._parts[name] = _Part(tuple(shape), gain)

    def split(self, vector: tf.Tensor) -> dict[str, tf.Tensor]:
        """The weights.

        Args:
            vector: `[size]`.
        """
        pieces = tf.split(vector, self._sizes())
        return {
            name: tf.reshape(piece, part.shape)
            for (name, part), piece in zip(self._parts.items(), pieces)
        }

    def fresh(self, seed: tf.Tensor) -> tf.Tensor:
        """Draws a vector: normal weights, in Keras' precision.

        Args:
            seed: int32 `[2]`.
        """
        dtype = tf.keras.backend.floatx()
        drawn = []
        for number, part in enumerate(self._parts.values()):
            inputs = part.shape[-2] if len(part.shape) > 1 else 1
            own = tf.random.experimental.stateless_fold_in(seed, number)
            normal = tf.random.stateless_normal([math.prod(part.shape)], own)
            # Drawn in single precision: the same weights in each.
            drawn.append(tf.cast(normal, dtype) * part.gain / math.sqrt(inputs))
        return tf.concat(drawn, 0)

    def _sizes(self) -> list[int]:
        return [math.prod(part.shape) for part in self._parts.values()]
