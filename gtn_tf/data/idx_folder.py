"""A folder of IDX files, as MNIST and what was made like it come."""

from __future__ import annotations

from pathlib import Path

from gtn_tf.data.errors import DataError, named
from gtn_tf.data.idx import read_idx
from gtn_tf.data.resizing import ImageSize
from gtn_tf.data.source import Source, source_of_arrays

_IMAGES, _LABELS = "idx3", "idx1"  # in the names, for the number of axes
_PARTS = {"train": ("train",), "validation": ("val",), "test": ("t10k", "test")}


def has_idx(folder: Path) -> bool:
    """Whether there are IDX files of images in a folder.

    Args:
        folder: The folder.
    """
    return bool(_files(folder, _IMAGES))


def read_idx_folder(
    folder: Path, image_size: ImageSize | None = None, resize: str = "area"
) -> Source:
    """Reads the IDX files of a folder, each with or without `.gz`.

    Args:
        folder: The folder, with `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`
            and, if there is a test part, the same with `t10k` or `test`.
        image_size: As for `gtn_tf.data.from_arrays`.
        resize: Likewise.

    Raises:
        DataError: If a file is missing or damaged.
    """
    images, labels = {}, {}
    for part, words in _PARTS.items():
        pair = []
        for kind in (_IMAGES, _LABELS):
            found = [
                file
                for file in _files(folder, kind)
                if any(word in file.name.lower() for word in words)
            ]
            if len(found) > 1:
                shown = ", ".join(file.name for file in found)
                raise DataError(
                    f"{named(folder)}: expected one {kind} file of the {part} part, "
                    f"found {shown}; move the others away"
                )
            pair += found
        if len(pair) == 1 or (part == "train" and not pair):
            have = f"{pair[0].name} alone" if pair else "none"
            raise DataError(
                f"{named(folder)}: expected {part} images (idx3) and their labels "
                f"(idx1), found {have}"
            )
        if pair:
            images[part] = read_idx(pair[0], ndim=3)
            labels[part] = read_idx(pair[1], ndim=1)
    try:
        return source_of_arrays(
            folder.resolve().name,
            "folder of IDX files",
            images,
            labels,
            image_size=image_size,
            resize=resize,
        )
    except DataError as error:
        raise DataError(f"{named(folder)}: {error}") from None


def _files(folder: Path, kind: str) -> list[Path]:
    return sorted(
        file
        for file in folder.glob(f"*{kind}*")
        if file.is_file() and not file.name.startswith(".")
    )
