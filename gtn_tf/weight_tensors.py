"""Which tensors a vector of weights is made of."""

from __future__ import annotations

import abc
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf


class Tensors(abc.ABC):
    """The tensors of a learner, for optimizers that treat each by itself."""

    @abc.abstractmethod
    def squared_norms(self, weights: tf.Tensor) -> tf.Tensor:
        """For each weight, the squared norm of the tensor that it is of.

        Args:
            weights: As the optimizer gets them, or anything else of their shape.

        Returns:
            A tensor that broadcasts to the shape of `weights`.
        """

    @abc.abstractmethod
    def are_kernels(self) -> tf.Tensor:
        """For each weight, whether it is of a tensor of rank 2 or more."""


# What is known when the graph runs is computed where it is needed, and only there.
GetTensors = Callable[[], Tensors]


class OneTensor(Tensors):
    """A single tensor, in its own shape.

    Args:
        rank: Number of its axes.

    Example:

    >>> float(OneTensor(rank=1).squared_norms(tf.constant([3.0, 4.0])))
    25.0
    """

    def __init__(self, rank: int) -> None:
        self._rank = rank

    def squared_norms(self, weights: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(weights**2)

    def are_kernels(self) -> tf.Tensor:
        return tf.constant(self._rank > 1)


class PackedTensors(Tensors):
    """Tensors that are packed in one vector, one after the other.

    Args:
        numbers: int32 `[size]`: for each weight, the number of its tensor, in ascending
            order.
        kernels: For each tensor, whether its rank is 2 or more.

    Example:

    >>> tensors = PackedTensors([0, 0, 1], [True, False])
    >>> tensors.squared_norms(tf.constant([3.0, 4.0, 1.0])).numpy().tolist()
    [25.0, 25.0, 1.0]
    >>> tensors.are_kernels().numpy().tolist()
    [True, True, False]
    """

    def __init__(self, numbers: Any, kernels: Any) -> None:
        self._numbers = numbers
        self._kernels = kernels

    @classmethod
    def of_shapes(cls, shapes: Sequence[Sequence[int]]) -> PackedTensors:
        """The tensors of known shapes.

        Args:
            shapes: Of each tensor.
        """
        sizes = [math.prod(shape) for shape in shapes]
        numbers = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        return cls(numbers, [len(shape) > 1 for shape in shapes])

    def squared_norms(self, weights: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.math.segment_sum(weights**2, self._numbers), self._numbers)

    def are_kernels(self) -> tf.Tensor:
        return tf.gather(self._kernels, self._numbers)
