"""An architecture that is scored."""

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
    """An architecture that is scored. Called, it makes its network.

    Args:
        build: Makes the network with fresh weights, compiled or not.
        genotype: Where the space has genotypes; otherwise `None`.
        counts: Size of the network, where the space knows it without building one.
        supernetwork: Gives what runs the genotype without a network of its own, or
            `None`.
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
    """A candidate, also of a mere function.

    Args:
        candidate: Called, it makes the network.
    """
    return candidate if isinstance(candidate, Candidate) else Candidate(candidate)
