"""A trained graph hypernetwork in a file, with the super-network that it is for."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gtn_tf.config.ghn import SIZE
from gtn_tf.errors import ArgumentError, shown
from gtn_tf.supernet.shared_file import read_weights, write_weights

NAME = "ghn.npz"  # in a run directory
_SETTINGS = ("state", "hidden", "passes")


class GHNFile(NamedTuple):
    """A trained graph hypernetwork.

    Args:
        weights: Its own, float32 `[size]`.
        network: `SuperNetwork.settings` of the networks whose weights it predicts.
        settings: `GHN.settings`.
        dataset: Title of what it was trained on.
    """

    weights: np.ndarray
    network: dict[str, Any]
    settings: dict[str, int]
    dataset: str

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that stand for the hypernetwork."""
        about = json.dumps([self.network, self.settings], sort_keys=True).encode()
        return hashlib.sha256(about + self.weights.tobytes()).hexdigest()[:12]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the npz file atomically.

        Args:
            path: The file.
        """
        about = self._asdict()
        weights = about.pop("weights")
        write_weights(path, weights, about)


def load_ghn(path: str | os.PathLike[str]) -> GHNFile:
    """Reads a trained graph hypernetwork.

    Args:
        path: Run directory of `train-ghn`, or the npz file in it.

    Raises:
        ArgumentError: If there is none, or the file is damaged.

    Example:

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> network = {"space": "nas_bench_201", "image_shape": [8, 8, 1], "num_classes": 9}
    >>> settings = {"state": 32, "hidden": 64, "passes": 1}
    >>> weights = np.zeros([3], np.float32)
    >>> GHNFile(weights, network, settings, "digits").save(f"{folder}/{NAME}")
    >>> load_ghn(folder).settings["state"]
    32
    """
    path = Path(path).expanduser()
    file = path / NAME if path.is_dir() else path
    expected = f"{file}: expected the graph hypernetwork of a train-ghn"
    weights, about = read_weights(file, expected, "train-ghn")
    settings: Any = about.get("settings")
    if not _are_settings(settings):
        raise ArgumentError(f"{expected}, received one with {shown(settings)}")
    return GHNFile(weights, about["network"], settings, str(about["dataset"]))


def _are_settings(settings: Any) -> bool:
    if not isinstance(settings, dict) or {*settings} != {*_SETTINGS}:
        return False
    return all(map(SIZE.allows, settings.values()))
