"""A user's data by its path: a folder of pictures, npz, CSV or IDX files."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gtn_tf.data.class_folders import PART_NAMES
from gtn_tf.data.csv_files import Table, read_table
from gtn_tf.data.directory import read_directory, source_of_pictures
from gtn_tf.data.errors import DataError, named
from gtn_tf.data.idx_folder import has_idx, read_idx_folder
from gtn_tf.data.own_npz import read_own_npz
from gtn_tf.data.resizing import ImageSize, expect_resizable
from gtn_tf.data.source import Source, source_of_arrays, splits_of
from gtn_tf.data.splits import Splits
from gtn_tf.errors import ArgumentError, shown

_KINDS = (
    "a folder of class folders with pictures, an npz file, a CSV file, or a folder of "
    "CSV or IDX files"
)


def from_path(
    path: str | os.PathLike[str],
    *,
    image_size: ImageSize | None = None,
    resize: str = "area",
    label_column: str = "",
    image_shape: Sequence[int] = (),
    on_error: str = "stop",
    **kwargs: Any,
) -> Splits:
    """Reads a folder of pictures, an npz file, a CSV file, or a folder of CSV or IDX.

    An npz file has Keras' keys (`x_train, y_train, ...`), MedMNIST's (`train_images,
    train_labels, val_images, ...`) or `images, labels`. A line of a CSV file has a
    label and pixels, a label and the path of a picture, or a label and features, which
    are numbers of any kind; a folder may have `train.csv` and `test.csv`. Nothing is
    written beside them. Columns called pixel..., or 1x1, 1x2, ... are pixels, and
    columns of other names features; if the names only number the columns, or there are
    none, numbers that look like a square picture are pixels.

    Args:
        path: The folder or the file.
        image_size: Height and width that images are resized to, in pixels, or one
            number for squares; by default they have to have one size.
        resize: `"area"`, `"crop"` or `"pad"`; see `gtn_tf.data.from_arrays`.
        label_column: Of CSV: name of the column of labels, if it is not called label,
            class or the like.
        image_shape: Of CSV: height and width of a line of pixels, and channels if
            there are several, if they are not square; or `[features]`, if they are no
            pixels.
        on_error: What to do about a picture that cannot be read: `"stop"`, or
            `"skip"` to leave it out.
        **kwargs: As for `gtn_tf.data.from_arrays`, from `seed` on.

    Returns:
        The splits. What was left out or changed is logged.

    Raises:
        DataError: If the data cannot be used.
        ArgumentError: If an option does not fit it.

    Example:

    >>> import tempfile
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from gtn_tf import data
    >>> file, digits = tempfile.mkdtemp() + "/mine.npz", load_digits()
    >>> np.savez(file, images=digits.images, labels=digits.target)
    >>> splits = data.from_path(file)
    >>> splits.name, splits.image_shape, splits.num_classes
    ('mine', (8, 8, 1), 10)
    """
    source = read_path(
        Path(path).expanduser(), image_size, resize, label_column, image_shape, on_error
    )
    expect_resizable(source.image_shape, image_size, resize)
    return splits_of(source, **kwargs)


def read_path(
    path: Path,
    image_size: ImageSize | None = None,
    resize: str = "area",
    label_column: str = "",
    image_shape: Sequence[int] = (),
    on_error: str = "stop",
) -> Source:
    """Finds out what there is, and reads it.

    Args:
        path: As for `from_path`, as all others.
        image_size: Likewise.
        resize: Likewise.
        label_column: Likewise.
        image_shape: Likewise.
        on_error: Likewise.

    Raises:
        DataError: If the data cannot be used.
        ArgumentError: If an option does not fit it.
    """
    try:
        files = _csv_files(path)
        if files:
            return _read_tables(
                path, files, image_size, resize, label_column, image_shape, on_error
            )
        given = {"label_column": label_column, "image_shape": image_shape}
        for key, value in given.items():
            if value:
                raise ArgumentError(
                    f"{key}: expected none for {named(path)}, for it is of CSV files, "
                    f"received {value}",
                    key,
                )
        if path.is_dir():
            if has_idx(path):
                return read_idx_folder(path, image_size, resize)
            only = [*path.glob("*.npz")]
            if len(only) == 1 and not any(one.is_dir() for one in path.iterdir()):
                return read_own_npz(only[0], image_size, resize)
            return read_directory(path, image_size, resize, on_error)
    except OSError as error:
        raise DataError(f"{named(path)}: cannot be read: {error.strerror}") from None
    if path.suffix.lower() == ".npz" and path.exists():
        return read_own_npz(path, image_size, resize)
    received = "a file of another kind" if path.exists() else "nothing there"
    raise DataError(f"{named(path)}: expected {_KINDS}, received {received}")


def _csv_files(path: Path) -> dict[str, Path]:
    """The CSV file of each part; none, if the path is something else."""
    if path.suffix.lower() == ".csv" and path.exists() and not path.is_dir():
        return {"train": path}
    if not path.is_dir():
        return {}
    entries = [one for one in path.iterdir() if not one.name.startswith(".")]
    tables = sorted(one for one in entries if one.suffix.lower() == ".csv")
    if not tables or any(one.is_dir() for one in entries):
        return {}
    if len(tables) == 1:
        return {"train": tables[0]}
    found: dict[str, Path] = {}
    for part, words in PART_NAMES.items():
        own = [one for one in tables if {*_words(one)} & {*words}]
        if len(own) > 1 or (part == "train" and not own):
            shown = ", ".join(one.name for one in own or tables)
            raise DataError(
                f"{named(path)}: expected one CSV file of the {part} part, such as "
                f"{words[0]}.csv, found {shown}; give the path of one file"
            )
        if own:
            found[part] = own[0]
    return found


def _words(path: Path) -> list[str]:
    return re.split(r"[^a-z]+", path.stem.lower())


def _read_tables(
    path: Path,
    files: Mapping[str, Path],
    image_size: ImageSize | None,
    resize: str,
    label_column: str,
    image_shape: Sequence[int],
    on_error: str,
) -> Source:
    tables: dict[str, Table] = {}
    remarks: list[str] = []
    for part, file in files.items():
        table = read_table(file, label_column, image_shape, part != "train")
        if table is None:  # as Kaggle's test.csv
            remarks.append(f"{file.name} has no labels and is left out")
            continue
        tables[part] = table
        remarks += [f"{file.name}: {remark}" for remark in table.remarks]
        if table.images is not None:
            # What the training part is, the others are, whatever they look like.
            image_shape = table.images.shape[1:]
        _expect_same_columns(table, tables["train"], file, files["train"])
    labels = {part: table.labels for part, table in tables.items()}
    pixels = {
        p: table.images for p, table in tables.items() if table.images is not None
    }
    name = path.stem if path.is_file() else path.resolve().name
    if pixels and len(pixels) < len(tables):
        raise DataError(f"{named(path)}: expected pixels in all CSV files or in none")
    try:
        if pixels:
            return source_of_arrays(
                name,
                "CSV of features" if len(image_shape) == 1 else "CSV of pixels",
                pixels,
                labels,
                image_size=image_size,
                resize=resize,
                remarks=remarks,
                feature_names=tables["train"].feature_names,
            )
        paths = {part: table.paths for part, table in tables.items()}
        return source_of_pictures(
            name,
            "CSV of pictures",
            paths,
            {part: own.tolist() for part, own in labels.items()},
            image_size,
            resize,
            on_error,
            remarks,
        )
    except DataError as error:
        raise DataError(f"{named(path)}: {error}") from None


def _expect_same_columns(
    table: Table, train: Table, file: Path, of_train: Path
) -> None:
    """Expects the features of the training part, in their order."""
    names, known = table.feature_names, train.feature_names
    if names and known and names != known:
        wrong = next((a, b) for a, b in zip(names, known) if a != b)
        raise DataError(
            f"{named(file)}: expected the columns of {of_train.name} in their order, "
            f"with {shown(wrong[1])}, received {shown(wrong[0])}"
        )
