"""Scores of candidates with weights that a graph hypernetwork predicts."""

from __future__ import annotations

import os

from gtn_tf.ghn import GHN, GHNFile, load_ghn
from gtn_tf.search.errors import ScoreError
from gtn_tf.search.scorers.shared import SupernetScorer
from gtn_tf.supernet import SharedScores, SuperNetwork


class GHNScorer(SupernetScorer):
    """Minus the loss with predicted weights (Zhang et al. 2019, arXiv 1810.05749).

    Its by-product `ghn_accuracy` has many ties among few images, and ranks worse.

    Args:
        path: Run directory of `train-ghn`, which need not be finished.
        images: Maximum number of validation images. Batch norms take the statistics of
            batches of at least 500 of them.

    Raises:
        ArgumentError: If there is no hypernetwork.
    """

    name = "ghn"

    def _load(self, path: str | os.PathLike[str]) -> GHNFile:
        found = load_ghn(path)
        self._settings = found.settings
        return found

    def trace(self, network: SuperNetwork) -> SharedScores:
        ghn = GHN(network, **self._settings)
        if ghn.size != len(self._shared):
            raise ScoreError(
                f"{self._path}: expected {ghn.size} weights of the hypernetwork, "
                f"received {len(self._shared)}; train it again"
            )
        return SharedScores(ghn)
