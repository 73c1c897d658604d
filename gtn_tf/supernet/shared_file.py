"""Shared weights in a file, with the network that they are of."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gtn_tf.atomic_file import whole
from gtn_tf.bounded_npz import open_npz
from gtn_tf.errors import ArgumentError, first_line, refused_by_system, shown

NAME = "shared_weights.npz"  # in a run directory
_MOST_TEXT = 2**20  # bytes of the description
_MOST_WEIGHTS = 2**32  # bytes


class SharedFile(NamedTuple):
    """Trained shared weights.

    Args:
        weights: Float32 `[size]`, as `SharedWeights` has them.
        network: `SuperNetwork.settings` of their network.
        dataset: Title of what they were trained on.
    """

    weights: np.ndarray
    network: dict[str, Any]
    dataset: str

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that stand for the weights and their network."""
        about = json.dumps(self.network, sort_keys=True).encode()
        return hashlib.sha256(about + self.weights.tobytes()).hexdigest()[:12]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the npz file atomically.

        Args:
            path: The file.
        """
        about = {"network": self.network, "dataset": self.dataset}
        write_weights(path, self.weights, about)


def load_shared(path: str | os.PathLike[str]) -> SharedFile:
    """Reads trained shared weights.

    Args:
        path: Run directory of `train-supernet`, or the npz file in it.

    Raises:
        ArgumentError: If there are none, or the file is damaged.

    Example:

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> network = {"space": "nao", "image_shape": [8, 8, 1], "num_classes": 10}
    >>> weights = np.zeros([3], np.float32)
    >>> SharedFile(weights, network, "digits").save(f"{folder}/{NAME}")
    >>> load_shared(folder).weights.shape
    (3,)
    """
    path = Path(path).expanduser()
    file = path / NAME if path.is_dir() else path
    expected = f"{file}: expected the shared weights of a finished train-supernet"
    weights, about = read_weights(file, expected, "train-supernet")
    return SharedFile(weights, about["network"], str(about["dataset"]))


def write_weights(
    path: str | os.PathLike[str], weights: np.ndarray, about: dict[str, Any]
) -> None:
    """Writes what `read_weights` reads, atomically.

    Args:
        path: The file.
        weights: The weights.
        about: What they are of, in JSON.
    """
    with whole(path) as unfinished, open(unfinished, "wb") as file:
        np.savez(file, weights=weights, description=json.dumps(about))


def read_weights(
    file: Path, expected: str, command: str
) -> tuple[np.ndarray, dict[str, Any]]:
    """Reads one vector of weights, and what is written about it.

    Args:
        file: An npz file with `weights` and `description`.
        expected: What should be there, for messages.
        command: What writes such files, for messages.

    Returns:
        Float32 `[size]`, and the description, which has a `network` and a `dataset`.

    Raises:
        ArgumentError: If there is no such file, or it is damaged.
    """
    try:
        with open_npz(file) as npz:
            weights = npz.read("weights", _MOST_WEIGHTS)
            text = npz.read("description", _MOST_TEXT)
        about = json.loads(str(text))
        network, _ = about["network"], about["dataset"]
    except FileNotFoundError:
        raise ArgumentError(
            f"{expected}, found no such file; {command} --resume finishes a run"
        ) from None
    except OSError as error:
        reason = refused_by_system(error) or first_line(error)
        raise ArgumentError(f"{expected}: {reason}") from None
    except (
        ArgumentError,
        KeyError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
    ) as error:
        raise ArgumentError(f"{expected}, received {first_line(error)}") from None
    if weights.ndim != 1 or weights.dtype != np.float32:
        received = f"{weights.dtype} {list(weights.shape)}"
        raise ArgumentError(f"{expected}, received {received}")
    if not _is_of_network(network):
        raise ArgumentError(f"{expected}, received those of {shown(network)}")
    if not np.isfinite(weights).all():
        raise ArgumentError(f"{expected}, received some that are not finite")
    return weights, about


def _is_of_network(settings: Any) -> bool:
    """Whether they say at least which data the network takes."""
    if not isinstance(settings, dict):
        return False
    shape, classes = settings.get("image_shape"), settings.get("num_classes")
    numbers = [*shape, classes] if isinstance(shape, list) else []
    return len(numbers) == 4 and all(type(one) is int and one > 0 for one in numbers)
