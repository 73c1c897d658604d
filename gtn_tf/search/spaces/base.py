"""The base class of the cell spaces."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import keras_tuner
import numpy as np
import tensorflow as tf

from gtn_tf.cells import Counts, Genotype, Genotype201, GenotypeError
from gtn_tf.errors import ArgumentError
from gtn_tf.search.candidate import Candidate
from gtn_tf.shapes import ImageShape, expect_pictures, image_shape_of
from gtn_tf.supernet import SuperNetwork

_G = TypeVar("_G", Genotype, Genotype201)


class CellSpace(keras_tuner.HyperModel, abc.ABC, Generic[_G]):
    """A space of cells, as a `HyperModel` of plain `hp.Choice`s.

    Any tuner of KerasTuner can search it.

    Args:
        image_shape: `(height, width, channels)` of an image of any size, or `(height,
            width)` of a grey one.
        num_classes: Number of logits.
        cells: N, cells in each of the three stages of the network.
        filters: F, channels of the first stage.
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
        self.image_shape = expect_pictures(
            image_shape_of(image_shape),
            type(self).__name__,
            "a HyperModel of your own takes a table",
        )
        self.num_classes = num_classes
        self.cells = cells
        self.filters = filters
        self.scored_as = scored_as
        self.optimizer = optimizer or _sgd
        self._supernetworks: dict[str, SuperNetwork] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # These describe the inherited `network`, not a subclass's own.
        for name in ("counts", "supernetwork"):
            if "network" in vars(cls) and name not in vars(cls):
                setattr(cls, name, vars(CellSpace)[name])

    def build(self, hp: keras_tuner.HyperParameters) -> tf.keras.Model:
        """Declares the choices and makes the compiled network for full training.

        Args:
            hp: Of a trial.
        """
        model = self.network(self.genotype(hp))
        model.compile(
            self.optimizer(),
            tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            ["accuracy"],
        )
        return model

    def candidate(self, genotype: _G) -> Candidate:
        """The candidate of a genotype, with layers as `scored_as` says.

        Args:
            genotype: Of the space's type; it may be outside the space.
        """
        return Candidate(
            lambda: self.network(genotype, self.scored_as),
            genotype,
            self.counts(genotype, self.scored_as),
            lambda: self.supernetwork if self.has(genotype) else None,
        )

    def has(self, genotype: _G) -> bool:
        """Whether a genotype is in the space.

        Args:
            genotype: Of the space's type.
        """
        try:
            self.values(genotype)
        except GenotypeError:
            return False
        return True

    def describe(self, hp: keras_tuner.HyperParameters) -> str:
        """The genotype of a trial, as `parse` reads it.

        Args:
            hp: Of a trial.
        """
        return self.text(self.genotype(hp))

    @abc.abstractmethod
    def genotype(self, hp: keras_tuner.HyperParameters) -> _G:
        """Declares the choices and returns the genotype of their values.

        Args:
            hp: Of a trial.
        """

    @abc.abstractmethod
    def values(self, genotype: _G) -> dict[str, Any]:
        """The values of the choices for a genotype.

        Args:
            genotype: Of this space.

        Raises:
            GenotypeError: If it is not in this space.
        """

    def from_values(self, values: Mapping[str, Any]) -> _G:
        """The genotype of values of the choices, as `values` gives them.

        Args:
            values: Of each choice.
        """
        hp = keras_tuner.HyperParameters()
        hp.values = dict(values)
        return self.genotype(hp)

    @property
    def choices(self) -> keras_tuner.HyperParameters:
        """All choices of the space, with their default values."""
        hp = keras_tuner.HyperParameters()
        self.genotype(hp)
        return hp

    @property
    def supernetwork(self) -> SuperNetwork | None:
        """One network for all genotypes of the space, with layers as `scored_as` says.

        In Keras' precision, made once for each.

        If `None`, scorers build each candidate's network; so it is for a subclass that
        overrides `network` but not `supernetwork`.
        """
        return None

    def once(self, make: Callable[[], SuperNetwork]) -> SuperNetwork:
        """Makes the super-network, unless it is there already in Keras' precision.

        Args:
            make: Makes it.
        """
        name = tf.keras.mixed_precision.global_policy().name
        if name not in self._supernetworks:
            self._supernetworks[name] = make()
        return self._supernetworks[name]

    @abc.abstractmethod
    def network(self, genotype: _G, kind: str = "training") -> tf.keras.Model:
        """Makes a network, not compiled.

        Args:
            genotype: Its cells.
            kind: `"training"` or `"evaluation"` layers.
        """

    def counts(self, genotype: _G, kind: str = "training") -> Counts | None:
        """The size of a network, if known without building it.

        Args:
            genotype: As for `network`.
            kind: As for `network`.

        Returns:
            The values of the scorers `params` and `flops` for `network(genotype,
            kind)`. If `None`, they build it; so it is for a subclass that overrides
            `network` but not `counts`.
        """
        return None

    @abc.abstractmethod
    def sample(self, rng: np.random.Generator) -> _G:
        """Draws a genotype, all choices uniform and independent.

        Args:
            rng: Source of the draw.
        """

    @abc.abstractmethod
    def parse(self, text: str) -> _G:
        """Parses a genotype of this space.

        Args:
            text: One line.

        Raises:
            GenotypeError: If it is something else.
        """

    @abc.abstractmethod
    def text(self, genotype: _G) -> str:
        """Formats a genotype for `parse`.

        Args:
            genotype: Of this space.
        """


def _sgd() -> tf.keras.optimizers.Optimizer:
    return tf.keras.optimizers.SGD(0.025, momentum=0.9, global_clipnorm=5.0)


def candidate_of(
    hypermodel: keras_tuner.HyperModel, hp: keras_tuner.HyperParameters
) -> Candidate:
    """The candidate of a trial, for any hypermodel.

    Args:
        hypermodel: A `CellSpace`, or any other.
        hp: Of the trial.
    """
    if isinstance(hypermodel, CellSpace):
        return hypermodel.candidate(hypermodel.genotype(hp))
    return Candidate(lambda: hypermodel.build(hp))
