"""Search spaces as KerasTuner takes them: a `HyperModel` with plain `hp.Choice`s."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import keras_tuner
import numpy as np
import tensorflow as tf

from gtn_tf.cells import (
    EDGES,
    NODES,
    OPS,
    OPS_201,
    Cell,
    Genotype,
    Genotype201,
    GenotypeError,
    Node,
    cell_network,
    network_201,
)
from gtn_tf.errors import ArgumentError
from gtn_tf.search.stages import is_scored
from gtn_tf.shapes import ImageShape, image_shape_of

_G = TypeVar("_G", Genotype, Genotype201)


class CellSpace(keras_tuner.HyperModel, abc.ABC, Generic[_G]):
    """What both cell spaces share. Any KerasTuner tuner searches it.

    Args:
        image_shape: `(height, width, channels)` of an image, any size; or `(height,
            width)` of a grey one.
        num_classes: Number of logits.
        cells: N, cells in each of the three parts of the network.
        filters: F, channels of the first part.
        scored_as: Layers of the networks that `GTNTuner` scores: `"training"` or
            `"evaluation"`. All other networks have training layers.
        optimizer: Makes the optimizer of a network; SGD with momentum by default.

    Raises:
        ValueError: If a setting is out of its range.
    """

    def __init__(
        self,
        image_shape: ImageShape,
        num_classes: int,
        cells: int = 1,
        filters: int = 16,
        scored_as: str = "training",
        optimizer: Callable[[], tf.keras.optimizers.Optimizer] | None = None,
    ) -> None:
        super().__init__()
        if cells < 0 or filters < 1:
            raise ArgumentError(
                "expected cells of at least 0 and filters of at least 1, received "
                f"{cells} and {filters}"
            )
        if scored_as not in ("training", "evaluation"):
            raise ArgumentError(
                f"scored_as: expected training or evaluation, received {scored_as!r}"
            )
        self.image_shape = image_shape_of(image_shape)
        self.num_classes = num_classes
        self.cells = cells
        self.filters = filters
        self.scored_as = scored_as
        self.optimizer = optimizer or _sgd

    def build(self, hp: keras_tuner.HyperParameters) -> tf.keras.Model:
        """Declares the choices and makes the network of their values, compiled.

        Args:
            hp: Of a trial.
        """
        kind = self.scored_as if is_scored(hp) else "training"
        model = self.network(self.genotype(hp), kind)
        model.compile(
            self.optimizer(),
            tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            ["accuracy"],
        )
        return model

    def describe(self, hp: keras_tuner.HyperParameters) -> str:
        """The genotype of a trial, as `parse` reads it.

        Args:
            hp: Of a trial.
        """
        return self.text(self.genotype(hp))

    @abc.abstractmethod
    def genotype(self, hp: keras_tuner.HyperParameters) -> _G:
        """Declares the choices and reads the genotype from their values.

        Args:
            hp: Of a trial.
        """

    @abc.abstractmethod
    def values(self, genotype: _G) -> dict[str, Any]:
        """The values of the choices that give a genotype.

        Args:
            genotype: Of this space.

        Raises:
            GenotypeError: If it is not in this space.
        """

    @abc.abstractmethod
    def network(self, genotype: _G, kind: str = "training") -> tf.keras.Model:
        """Makes a network, not compiled.

        Args:
            genotype: Its cells.
            kind: `"training"` or `"evaluation"` layers.
        """

    @abc.abstractmethod
    def sample(self, rng: np.random.Generator) -> _G:
        """Draws a genotype, all choices uniform and independent.

        Args:
            rng: Source of the draw.
        """

    @abc.abstractmethod
    def parse(self, text: str) -> _G:
        """Reads a genotype of this space.

        Args:
            text: One line.

        Raises:
            GenotypeError: If it is something else.
        """

    @abc.abstractmethod
    def text(self, genotype: _G) -> str:
        """Writes a genotype so that `parse` reads it.

        Args:
            genotype: Of this space.
        """


class NAOSpace(CellSpace[Genotype]):
    """The space of NAO (Luo et al. 2018): a normal and a reduction cell of five nodes.

    Args:
        image_shape: `(height, width, channels)` of an image, any size.
        num_classes: Number of logits.
        cells: N; the network has 3 N + 2 cells.
        filters: F, channels of the first cells.
        ops: `"large"`, 11 operations, or `"small"`, the 5 of weight sharing.
        **kwargs: As for `CellSpace`.

    Example:

    >>> space = NAOSpace((28, 28, 1), 10, cells=1, filters=8)
    >>> genotype = space.sample(np.random.default_rng(0))
    >>> space.parse(space.text(genotype)) == genotype
    True
    """

    def __init__(
        self,
        image_shape: ImageShape,
        num_classes: int,
        cells: int = 1,
        filters: int = 16,
        ops: str = "large",
        **kwargs: Any,
    ) -> None:
        super().__init__(image_shape, num_classes, cells, filters, **kwargs)
        if ops not in OPS:
            raise ArgumentError(f"ops: expected small or large, received {ops!r}")
        self.ops = OPS[ops]

    def genotype(self, hp: keras_tuner.HyperParameters) -> Genotype:
        return Genotype(self._cell(hp, "normal"), self._cell(hp, "reduction"))

    def _cell(self, hp: keras_tuner.HyperParameters, name: str) -> Cell:
        return Cell(
            tuple(
                Node(
                    hp.Choice(f"{name}_{node}_input_a", list(range(node))),
                    hp.Choice(f"{name}_{node}_op_a", self.ops),
                    hp.Choice(f"{name}_{node}_input_b", list(range(node))),
                    hp.Choice(f"{name}_{node}_op_b", self.ops),
                )
                for node in range(2, 2 + NODES)
            )
        )

    def values(self, genotype: Genotype) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name in ("normal", "reduction"):
            nodes = getattr(genotype, name).nodes
            if len(nodes) != NODES:
                raise GenotypeError(
                    f"{name} cell: expected {NODES} nodes, received {len(nodes)}"
                )
            for number, node in enumerate(nodes, start=2):
                for part, value in node._asdict().items():
                    if part.startswith("op") and value not in self.ops:
                        raise GenotypeError(
                            f"{name} cell, node {number}: expected one of "
                            f"{', '.join(self.ops)}, received {value}"
                        )
                    values[f"{name}_{number}_{part}"] = value
        return values

    def network(self, genotype: Genotype, kind: str = "training") -> tf.keras.Model:
        return cell_network(
            genotype, self.image_shape, self.num_classes, self.cells, self.filters, kind
        )

    def sample(self, rng: np.random.Generator) -> Genotype:
        return Genotype.sample(rng, self.ops)

    def parse(self, text: str) -> Genotype:
        return Genotype.parse(text)

    def text(self, genotype: Genotype) -> str:
        try:
            return " ".join(map(str, genotype.to_integers()))
        except GenotypeError:  # it has no such form
            return str(genotype)


class NASBench201Space(CellSpace[Genotype201]):
    """The space of NAS-Bench-201: five operations on the six edges of one cell.

    The benchmark's own size is `cells=5, filters=16`.

    Args:
        image_shape: `(height, width, channels)` of an image, any size.
        num_classes: Number of logits.
        cells: Cells in each of the three parts.
        filters: Channels of the first part.
        **kwargs: As for `CellSpace`.

    Example:

    >>> space = NASBench201Space((28, 28, 1), 10, cells=1, filters=8)
    >>> hp = keras_tuner.HyperParameters()
    >>> print(space.genotype(hp))
    |none~0|+|none~0|none~1|+|none~0|none~1|none~2|
    """

    def genotype(self, hp: keras_tuner.HyperParameters) -> Genotype201:
        return Genotype201(tuple(hp.Choice(name, OPS_201) for name in _EDGE_NAMES))

    def values(self, genotype: Genotype201) -> dict[str, Any]:
        return dict(zip(_EDGE_NAMES, genotype.ops))

    def network(self, genotype: Genotype201, kind: str = "training") -> tf.keras.Model:
        return network_201(
            genotype, self.image_shape, self.num_classes, self.cells, self.filters, kind
        )

    def sample(self, rng: np.random.Generator) -> Genotype201:
        return Genotype201.sample(rng)

    def parse(self, text: str) -> Genotype201:
        return Genotype201.parse(text)

    def text(self, genotype: Genotype201) -> str:
        return str(genotype)


_EDGE_NAMES = [f"edge_{to}_from_{source}" for to, source in EDGES]


def _sgd() -> tf.keras.optimizers.Optimizer:
    return tf.keras.optimizers.SGD(0.025, momentum=0.9, global_clipnorm=5.0)
