"""A folder of class folders with pictures, as splits."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gtn_tf.data.class_folders import list_pictures
from gtn_tf.data.class_labels import read_classes
from gtn_tf.data.errors import DataError, named
from gtn_tf.data.labelled import LabelledImages
from gtn_tf.data.pictures import read_pictures
from gtn_tf.data.resizing import ImageSize, size_of
from gtn_tf.data.source import Source, splits_of
from gtn_tf.data.splits import Splits
from gtn_tf.data.stored_images import take

_BRIGHTEST = 255.0


def from_directory(
    path: str | os.PathLike[str],
    *,
    image_size: ImageSize | None = None,
    resize: str = "area",
    on_error: str = "stop",
    **kwargs: Any,
) -> Splits:
    """Reads a folder of class folders, as Keras and torchvision read it.

    That is, as `keras.utils.image_dataset_from_directory` and `ImageFolder` do: each
    folder is a class, in alphabetical order, with all pictures below it. Above the
    classes there may be `train/`, `val/` (or `validation/`) and `test/`. Pictures are
    PNG, JPEG, GIF, BMP or WebP, turned upright by their EXIF orientation, grey if all
    of them are; transparent parts become white. Nothing is written into the folder.

    Args:
        path: The folder.
        image_size: Height and width that pictures are resized to, in pixels, or one
            number for squares; by default they have to have one size.
        resize: `"area"`, `"crop"` or `"pad"`; see `gtn_tf.data.from_arrays`.
        on_error: What to do about a picture that cannot be read: `"stop"`, or
            `"skip"` to leave it out.
        **kwargs: As for `gtn_tf.data.from_arrays`, from `seed` on.

    Returns:
        The splits. What was left out or changed is logged.

    Raises:
        DataError: If the folder or a picture cannot be used.
        ArgumentError: If an option does not fit them.

    Example:

    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from PIL import Image
    >>> from gtn_tf import data
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for n, name in enumerate(["dark", "light"] * 10):
    ...     (folder / name).mkdir(exist_ok=True)
    ...     picture = Image.new("L", (10, 12), color=n + 100 * (name == "light"))
    ...     picture.save(folder / name / f"{n}.png")
    >>> splits = data.from_directory(folder, image_size=8)
    >>> splits.class_names, splits.image_shape
    (('dark', 'light'), (8, 8, 1))
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise DataError(f"{named(folder)}: expected a folder of class folders")
    return splits_of(read_directory(folder, image_size, resize, on_error), **kwargs)


def read_directory(
    folder: Path,
    image_size: ImageSize | None = None,
    resize: str = "area",
    on_error: str = "stop",
) -> Source:
    """Reads a folder of class folders.

    Args:
        folder: As for `from_directory`, as all others.
        image_size: Likewise.
        resize: Likewise.
        on_error: Likewise.

    Raises:
        DataError: If the folder or a picture cannot be used.
    """
    listing = list_pictures(folder)
    return source_of_pictures(
        folder.resolve().name,
        "folder of class folders",
        listing.paths,
        listing.labels,
        image_size,
        resize,
        on_error,
        listing.remarks,
    )


def source_of_pictures(
    name: str,
    kind: str,
    paths: Mapping[str, Sequence[Path]],
    labels: Mapping[str, Sequence[Any]],
    image_size: ImageSize | None,
    resize: str,
    on_error: str,
    remarks: Sequence[str] = (),
) -> Source:
    """Reads the pictures of all parts.

    Args:
        name: As for `Source`.
        kind: As for `Source`.
        paths: The pictures of each part.
        labels: Their labels.
        image_size: As for `from_directory`.
        resize: As for `from_directory`.
        on_error: As for `from_directory`.
        remarks: As for `Source`.

    Raises:
        DataError: If a picture cannot be used.
    """
    size = None if image_size is None else size_of(image_size)
    # All at once, so that all parts get the same size and channels.
    every = [path for part in paths.values() for path in part]
    pictures = read_pictures(every, size, resize, on_error)
    images, kept_labels, end = {}, {}, 0
    for part, own in paths.items():
        start, end = end, end + len(own)
        first, last = np.searchsorted(pictures.kept, [start, end])
        images[part] = take(pictures.images, slice(first, last))
        kept = pictures.kept[first:last] - start
        kept_labels[part] = [labels[part][n] for n in kept.tolist()]
    numbers, names = read_classes(kept_labels)
    parts = {part: LabelledImages(x, numbers[part]) for part, x in images.items()}
    return Source(
        name,
        kind,
        names,
        _BRIGHTEST,
        parts,
        pictures.sizes,
        (*remarks, *pictures.remarks),
        resize,
    )
