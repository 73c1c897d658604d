"""Scores of candidates with shared weights, trained before the search."""

from __future__ import annotations

import os
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from gtn_tf.inner import graph_rewrites_off
from gtn_tf.labels import expect_labels
from gtn_tf.search.candidate import Candidate, as_candidate
from gtn_tf.search.data import ScoringData
from gtn_tf.search.errors import ScoreError
from gtn_tf.search.scorers.on_supernetwork import SupernetworkScorer, as_input
from gtn_tf.supernet import SharedScores, SharedWeights, SuperNetwork, load_shared
from gtn_tf.supernet.shared_scores import Batches, equal_batches


class _Trained(Protocol):
    """What was trained before the search, of any kind."""

    @property
    def weights(self) -> np.ndarray:
        """Float32 `[size]`."""

    @property
    def network(self) -> dict[str, Any]:
        """`SuperNetwork.settings` of the candidates."""

    @property
    def digest(self) -> str:
        """Stands for both."""


class SupernetScorer(SupernetworkScorer[SharedScores]):
    """Minus the loss with shared weights (Li & Talwalkar 2019, arXiv 1902.07638).

    Its by-product `supernet_accuracy` has many ties among few images, and ranks worse.

    Args:
        path: Run directory of `train-supernet`.
        images: Maximum number of validation images. Batch norms take the statistics of
            batches of at least 500 of them.

    Raises:
        ArgumentError: If there are no shared weights.
    """

    name = "supernet"

    def __init__(self, path: str | os.PathLike[str], images: int = 2000) -> None:
        super().__init__()
        found = self._load(path)
        self.images = images
        self.weights = found.digest  # identifies them, wherever they are
        self._path = os.fspath(path)
        self._network = found.network
        self._shared = tf.constant(found.weights)
        self._validation: tuple[ScoringData, Batches] | None = None

    def _load(self, path: str | os.PathLike[str]) -> _Trained:
        return load_shared(path)

    def __call__(self, candidate: Candidate, data: ScoringData, seed: int) -> float:
        return self.scores(candidate, data, seed)[self.name]

    def scores(
        self, candidate: Candidate, data: ScoringData, seed: int
    ) -> dict[str, float]:
        candidate = as_candidate(candidate)
        network = self.supernetwork_of(candidate, data)
        self.expect_network(network)
        assert network is not None
        code, batches = network.encode(candidate.genotype), self._batches(data)
        with graph_rewrites_off():
            shared = tf.cast(self._shared, tf.keras.backend.floatx())
            found = self.traced(network)(shared, code, batches)
        return {self.name: -found.loss, f"{self.name}_accuracy": found.accuracy}

    def expect_network(self, network: SuperNetwork | None) -> None:
        """Checks that the shared weights are of a super-network.

        Args:
            network: The candidates' super-network, if they have one.

        Raises:
            ScoreError: If they are of another one.
        """
        if network is None:
            raise ScoreError(
                f"{self._path}: expected a genotype in the space "
                f"{self._network.get('space')}, received another candidate"
            )
        settings = network.settings
        different = [k for k, v in settings.items() if self._network.get(k) != v]
        if different:
            raise ScoreError(
                f"{self._path}: expected candidates with "
                f"{_words(self._network, different)}, as it was trained with, received "
                f"{_words(settings, different)}"
            )

    def builds(self, candidate: Candidate, data: ScoringData) -> bool:
        return False

    def check(self, model: tf.keras.Model, data: ScoringData) -> None:
        self._batches(data)

    def prepare(self, data: ScoringData, seed: int) -> None:
        self._batches(data)

    def close(self) -> None:
        super().close()
        self._validation = None

    def trace(self, network: SuperNetwork) -> SharedScores:
        shared = SharedWeights(network)
        if shared.size != len(self._shared):
            raise ScoreError(
                f"{self._path}: expected {shared.size} shared weights, received "
                f"{len(self._shared)}; train them again"
            )
        return SharedScores(shared)

    def _batches(self, data: ScoringData) -> Batches:
        """The validation data, read once."""
        if self._validation is None or self._validation[0] is not data:
            pairs = [*data.validation_batches(self.images)]
            images, labels = (tf.concat(parts, 0) for parts in zip(*pairs))
            images = as_input(images, tuple(self._network["image_shape"]))
            expect_labels(labels.numpy(), self._network["num_classes"])
            self._validation = data, equal_batches(images, labels)
        return self._validation[1]


def _words(settings: dict[str, object], keys: list[str]) -> str:
    return ", ".join(f"{key} {settings.get(key)}" for key in keys)
