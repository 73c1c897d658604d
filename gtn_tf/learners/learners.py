"""The interface of a distribution over learners, and what its networks share."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Sequence
from typing import Any, Union

import numpy as np
import tensorflow as tf

from gtn_tf.config.earlier import with_architectures
from gtn_tf.errors import ArgumentError, not_one_of
from gtn_tf.layers import (
    BatchNorm,
    MeanOnlyBatchNorm,
    WeightNormalization,
    kaiming_normal,
)
from gtn_tf.names import NORMS

Width = Union[int, tuple[int, int]]


class Learners(abc.ABC):
    """A distribution over architectures, as a pool of networks drawn from it."""

    @abc.abstractmethod
    def build(
        self, image_shape: tuple[int, ...], num_classes: int
    ) -> list[tf.keras.Model]:
        """Draws the pool. Each meta-iteration teaches one network of it.

        Args:
            image_shape: `(height, width, channels)` of an image, or `(features,)` of a
                line of a table.
            num_classes: Number of logits.

        Returns:
            Keras models from images `[batch, h, w, c]` or `[batch, features]` to logits
            `[batch, num_classes]`, the same ones at every call; or super-networks, of
            which every learner is another architecture.
        """

    def get_config(self) -> dict[str, Any]:
        """The kind of distribution, and its arguments."""
        return {"kind": type(self).__name__, **vars(self)}

    @staticmethod
    def from_config(config: dict[str, Any]) -> Learners:
        """Makes a distribution from its `get_config`.

        Args:
            config: The kind, which may be a subclass of the user's own, and its
                arguments.

        Raises:
            ArgumentError: If there is no such kind.
        """
        arguments = with_architectures(config)
        kind, kinds = arguments.pop("kind", None), _kinds(Learners)
        if kind not in kinds:
            raise ArgumentError(
                f"{not_one_of('learners', kind, kinds)}; a class of your own has to be "
                "imported first"
            )
        if "parts" in arguments:
            arguments["parts"] = [Learners.from_config(p) for p in arguments["parts"]]
        return kinds[kind](**arguments)


def _kinds(parent: type) -> dict[str, Any]:
    """All subclasses that can be made, by name."""
    found: dict[str, Any] = {}
    subclasses: list[type] = parent.__subclasses__()
    for kind in subclasses:
        if not inspect.isabstract(kind):
            found[kind.__name__] = kind
        found.update(_kinds(kind))
    return found


class DrawnLearners(Learners):
    """A distribution that is drawn from at random.

    A subclass is a frozen dataclass whose last fields are `architectures`, the number
    of networks drawn, and `seed`, an integer that they are drawn from.
    """

    architectures: int
    seed: int

    def __post_init__(self) -> None:
        expect_count(self.architectures)


def expect_count(architectures: Any) -> None:
    """Expects a number of architectures to draw.

    Raises:
        ArgumentError: If there are none.
    """
    if architectures < 1:
        raise ArgumentError(
            f"architectures: expected at least 1, received {architectures}"
        )


class NormedLearners(DrawnLearners):
    """Networks that share the choice of norms.

    A subclass also has the fields `weight_norm`, whether every layer is
    weight-normalised, and `batch_norm`: `"mean_only"` (the paper's), `"full"` or
    `"none"`; `negative_slope`, that of LeakyReLU, at least 0; `norm_momentum`, of the
    running statistics of these norms; and `dense_norm`, whether hidden dense layers
    have that batch norm, too, if it has such layers.
    """

    weight_norm: bool
    batch_norm: str
    negative_slope: float
    norm_momentum: float
    dense_norm: bool = True

    def __post_init__(self) -> None:
        if self.negative_slope < 0:
            raise ArgumentError(
                "negative_slope: expected a number of at least 0, received "
                f"{self.negative_slope}"
            )
        if self.batch_norm not in NORMS:
            raise ArgumentError(not_one_of("batch_norm", self.batch_norm, NORMS))
        if not 0 <= self.norm_momentum < 1:
            raise ArgumentError(
                "norm_momentum: expected a number from 0 up to and without 1, received "
                f"{self.norm_momentum}"
            )
        super().__post_init__()

    def build(
        self, image_shape: tuple[int, ...], num_classes: int
    ) -> list[tf.keras.Model]:
        rng = np.random.default_rng(self.seed)
        return [
            self._network(rng, image_shape, num_classes)
            for _ in range(self.architectures)
        ]

    @abc.abstractmethod
    def _network(
        self,
        rng: np.random.Generator,
        image_shape: tuple[int, ...],
        num_classes: int,
    ) -> tf.keras.Model:
        """Draws one architecture."""

    def _draw(self, rng: np.random.Generator, widths: Sequence[Width]) -> list[int]:
        return [w if isinstance(w, int) else int(rng.integers(*w)) for w in widths]

    def _weighted(self, layer: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
        return WeightNormalization(layer) if self.weight_norm else layer

    def _norm(self) -> list[tf.keras.layers.Layer]:
        if self.batch_norm == "none":
            return []
        if self.batch_norm == "mean_only":
            return [MeanOnlyBatchNorm(self.norm_momentum)]
        return [BatchNorm(self.norm_momentum, unbiased=True)]

    def _activation(self) -> list[tf.keras.layers.Layer]:
        return [*self._norm(), self._rectifier()]

    def _rectifier(self) -> tf.keras.layers.Layer:
        return tf.keras.layers.LeakyReLU(self.negative_slope)

    def _dense(
        self, units: Sequence[int], num_classes: int
    ) -> list[tf.keras.layers.Layer]:
        """Hidden dense layers and the one that gives the logits."""
        layers = []
        for width in units:
            norm = self._norm() if self.dense_norm else []
            layers += [self._weighted(_dense(width)), *norm, self._rectifier()]
        return [*layers, self._weighted(_dense(num_classes))]


class SequentialLearners(NormedLearners):
    """Stacks of layers."""

    def _network(
        self,
        rng: np.random.Generator,
        image_shape: tuple[int, ...],
        num_classes: int,
    ) -> tf.keras.Model:
        layers = self._layers(rng, num_classes)
        return tf.keras.Sequential([tf.keras.layers.Input(image_shape), *layers])

    @abc.abstractmethod
    def _layers(
        self, rng: np.random.Generator, num_classes: int
    ) -> list[tf.keras.layers.Layer]:
        """Draws one architecture and makes its layers."""


def _dense(units: int) -> tf.keras.layers.Dense:
    return tf.keras.layers.Dense(units, kernel_initializer=kaiming_normal())
