"""An architecture to score."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from gtn_tf.cells import Counts
from gtn_tf.search.errors import ScoreError
from gtn_tf.supernet import SuperNetwork

Build = Callable[[], tf.keras.Model]


@dataclasses.dataclass(frozen=True)
class Candidate:
    """An architecture to score. Calling it makes its network.

    Args:
        build: Makes the network with fresh weights, compiled or not.
        genotype: `None` if the space has no genotypes.
        counts: Size of the network, if known without building it.
        supernetwork: Returns the super-network that contains the genotype, or `None`.
    """

    build: Build
    genotype: Any = None
    counts: Counts | None = None
    supernetwork: Callable[[], SuperNetwork | None] = lambda: None

    def __call__(self) -> tf.keras.Model:
        model = self.build()
        if not isinstance(model, tf.keras.Model):
            raise ScoreError(f"expected a Keras model, received {model!r}")
        return model


def as_candidate(candidate: Build | Candidate) -> Candidate:
    """Turns a function into a candidate.

    Args:
        candidate: A candidate, or a function that makes the network.
    """
    return candidate if isinstance(candidate, Candidate) else Candidate(candidate)
