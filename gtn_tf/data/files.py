"""Finding the files of a data set in a folder and reading them."""

from __future__ import annotations

from pathlib import Path

from gtn_tf.data.catalog import Entry
from gtn_tf.data.errors import DataError
from gtn_tf.data.idx import read_idx
from gtn_tf.data.labelled import LabelledImages, Parts, label
from gtn_tf.data.npz import read_npz

_IDX_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def read_files(entry: Entry, folder: Path) -> Parts:
    """Reads a data set from `folder/<name>/` or else from `folder/`.

    Args:
        entry: The data set wanted.
        folder: The data folder. Grey images may be four IDX files, each with or
            without `.gz`; any images may be one npz file, `<name>.npz` or, inside
            `<name>/`, the only npz file there.

    Returns:
        The training and the test part.

    Raises:
        DataError: The folder or a file is missing, or a file is damaged.

    Example:

    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from gtn_tf.data.catalog import find_entry
    >>> from gtn_tf.data.files import read_files
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> x, y = np.zeros([2, 32, 32, 3], np.uint8), np.arange(2)
    >>> np.savez(folder / "cifar10.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    >>> read_files(find_entry("cifar10"), folder).train.labels
    array([0, 1], dtype=int32)
    """
    try:
        return _read(entry, folder)
    except DataError as error:
        advice = f"{entry.name} is available from {entry.source}"
        raise DataError(f"{error}; {advice}") from error


def expected_files(entry: Entry) -> str:
    """Names the files `read_files` looks for.

    Args:
        entry: The data set wanted.

    Returns:
        The file names, as part of a sentence.

    Example:

    >>> from gtn_tf.data.catalog import find_entry
    >>> from gtn_tf.data.files import expected_files
    >>> expected_files(find_entry("cifar10"))
    'cifar10.npz'
    """
    npz = f"{entry.name}.npz"
    if not _has_idx(entry):
        return npz
    return f"{', '.join(_IDX_NAMES)} (each with or without .gz) or else {npz}"


def _read(entry: Entry, folder: Path) -> Parts:
    if not folder.is_dir():
        raise DataError(
            f"data folder {folder} does not exist, expected in it "
            f"{expected_files(entry)}"
        )
    own = folder / entry.name
    for place in (own, folder):
        if _has_idx(entry) and any(_idx_path(place, name) for name in _IDX_NAMES):
            return _read_idx_files(entry, place)
        npz = place / f"{entry.name}.npz"
        only = sorted(own.glob("*.npz")) if place == own else []
        if npz.is_file() or len(only) == 1:
            return read_npz(npz if npz.is_file() else only[0], entry)
    raise DataError(
        f"no files of {entry.name} in {own} nor in {folder}, expected "
        f"{expected_files(entry)}"
    )


def _has_idx(entry: Entry) -> bool:
    return entry.image_shape[-1] == 1  # The format is used for grey images only.


def _idx_path(place: Path, name: str) -> Path | None:
    candidates = (place / name, place / f"{name}.gz")
    return next((path for path in candidates if path.is_file()), None)


def _read_idx_files(entry: Entry, place: Path) -> Parts:
    found = {name: _idx_path(place, name) for name in _IDX_NAMES}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise DataError(
            f"{place}: missing {', '.join(missing)}, expected {expected_files(entry)}"
        )
    paths = [path for path in found.values() if path is not None]
    return Parts(
        _read_idx_part(entry, paths[0], paths[1]),
        _read_idx_part(entry, paths[2], paths[3]),
    )


def _read_idx_part(entry: Entry, images: Path, labels: Path) -> LabelledImages:
    return label(
        read_idx(images, ndim=3),  # [n, h, w]
        read_idx(labels, ndim=1),  # [n]
        entry,
        f"{images} with {labels.name}",
    )
