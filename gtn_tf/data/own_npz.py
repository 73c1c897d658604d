"""Npz files of users: Keras' keys, MedMNIST's keys, or plain images and labels."""

from __future__ import annotations

from pathlib import Path

from gtn_tf.bounded_npz import BoundedNpz, open_npz
from gtn_tf.data.errors import DataError, named
from gtn_tf.data.resizing import ImageSize
from gtn_tf.data.source import Source, source_of_arrays
from gtn_tf.errors import GTNError, cut, first_line

# Keys of images and labels of each part, in each layout.
_LAYOUTS: tuple[dict[str, tuple[str, str]], ...] = (
    {
        "train": ("x_train", "y_train"),
        "validation": ("x_val", "y_val"),
        "test": ("x_test", "y_test"),
    },
    {
        "train": ("train_images", "train_labels"),
        "validation": ("val_images", "val_labels"),
        "test": ("test_images", "test_labels"),
    },
    {"train": ("images", "labels")},
    {"train": ("x", "y")},
)
_NAMES = "class_names"
_MOST_BYTES = 2**32  # of an array; of a file, too, as `open_npz` has it


def read_own_npz(
    path: Path, image_size: ImageSize | None = None, resize: str = "area"
) -> Source:
    """Reads an npz file with images and labels, and `class_names` if there are any.

    Args:
        path: The file.
        image_size: As for `gtn_tf.data.from_arrays`.
        resize: Likewise.

    Raises:
        DataError: The file is damaged, needs pickle or has other keys, or its arrays
            cannot be used.

    Example:

    >>> import tempfile
    >>> import numpy as np
    >>> path = Path(tempfile.mkdtemp()) / "med.npz"
    >>> images, labels = np.zeros([4, 8, 8], np.uint8), np.array([[0], [1], [1], [0]])
    >>> np.savez(path, train_images=images, train_labels=labels)
    >>> read_own_npz(path).class_names
    ('0', '1')
    """
    try:
        with open_npz(path) as npz:
            layout = _layout(npz)
            remarks = [
                f"{images} has no {labels} and is left out"
                for images, labels in layout.values()
                if images in npz.names and labels not in npz.names
            ]
            keys = {
                part: pair for part, pair in layout.items() if {*pair} <= {*npz.names}
            }
            images = {p: npz.read(one, _MOST_BYTES) for p, (one, _) in keys.items()}
            labels = {p: npz.read(one, _MOST_BYTES) for p, (_, one) in keys.items()}
            names = npz.read(_NAMES, 2**20) if _NAMES in npz.names else None
    except Exception as error:  # A damaged archive can raise anything.
        told = str(error) if isinstance(error, GTNError) else first_line(error)
        raise DataError(
            f"{named(path)}: expected a whole npz file without pickles, with images "
            f"and labels: {told}"
        ) from None
    try:
        return source_of_arrays(
            path.stem,
            "npz file",
            images,
            labels,
            class_names=None if names is None else [str(x) for x in names.ravel()],
            image_size=image_size,
            resize=resize,
            remarks=remarks,
        )
    except DataError as error:
        raise DataError(f"{named(path)}: {error}") from None


def _layout(npz: BoundedNpz) -> dict[str, tuple[str, str]]:
    for layout in _LAYOUTS:
        if {*layout["train"]} <= {*npz.names}:
            return layout
    known = " or ".join(" and ".join(one["train"]) for one in _LAYOUTS)
    raise DataError(
        f"expected the keys {known}, received {cut(', '.join(npz.names)) or 'none'}"
    )
