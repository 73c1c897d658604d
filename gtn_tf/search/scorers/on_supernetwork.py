"""The base class of scorers that run candidates on their space's super-network."""

from __future__ import annotations

import abc
from typing import Any, Generic, TypeVar

import tensorflow as tf

from gtn_tf.search.candidate import Candidate
from gtn_tf.search.data import ScoringData
from gtn_tf.search.scorers.base import Scorer
from gtn_tf.shapes import with_channels
from gtn_tf.supernet import SuperNetwork

_T = TypeVar("_T")


class SupernetworkScorer(Scorer, Generic[_T]):
    """A scorer whose functions are traced once for each super-network.

    A candidate that is in none has a Keras network built.
    """

    def __init__(self) -> None:
        self._traced: dict[int, _T] = {}

    def close(self) -> None:
        self._traced.clear()

    def builds(self, candidate: Candidate, data: ScoringData) -> bool:
        return self.supernetwork_of(candidate, data) is None

    def supernetwork_of(
        self, candidate: Candidate, data: ScoringData
    ) -> SuperNetwork | None:
        """The super-network to run instead of the candidate's network, if any.

        Args:
            candidate: The candidate.
            data: Real data.
        """
        return candidate.supernetwork()

    def traced(self, network: SuperNetwork) -> _T:
        """What `trace` made of a super-network, once.

        Args:
            network: The super-network.
        """
        if id(network) not in self._traced:
            self._traced[id(network)] = self.trace(network)
        return self._traced[id(network)]

    @abc.abstractmethod
    def trace(self, network: SuperNetwork) -> _T:
        """Makes the functions of a super-network, which hold on to it.

        Args:
            network: The super-network.
        """


def as_input(images: Any, image_shape: tuple[int, ...]) -> tf.Tensor:
    """Images as a super-network takes them, in Keras' precision.

    Args:
        images: `[..., h, w, c]`, or `[..., h, w]` where `c` is 1.
        image_shape: `(height, width, channels)`.

    Raises:
        ArgumentError: If the images have another shape.
    """
    return with_channels(tf.cast(images, tf.keras.backend.floatx()), image_shape)
