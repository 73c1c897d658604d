"""Folders of class folders: which pictures there are, of which part and class."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gtn_tf.data.errors import DataError, named
from gtn_tf.data.picture_file import SUFFIXES

# What the folders of the parts are called, in small letters.
PART_NAMES = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
_SHOWN = 3  # names in a sentence


class Listing(NamedTuple):
    """What a folder has.

    Args:
        paths: The pictures of each part.
        labels: The name of the class of each picture.
        class_names: All classes, in alphabetical order.
        remarks: What is left out, a sentence each.
    """

    paths: dict[str, list[Path]]
    labels: dict[str, list[str]]
    class_names: tuple[str, ...]
    remarks: tuple[str, ...]


def list_pictures(folder: Path) -> Listing:
    """Lists the pictures of a folder of class folders.

    As `keras.utils.image_dataset_from_directory` and torchvision's `ImageFolder` do it:
    each folder is a class, with all pictures below it. Above the classes there may be
    `train/`, `val/` (or `validation/`) and `test/`. Hidden files are ignored.

    Args:
        folder: The folder.

    Raises:
        DataError: If there are fewer than two classes, a class is empty, or a folder
            cannot be read.

    Example:

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("cats/a.png", "dogs/b.JPG", "dogs/old/c.gif", ".thumbs/d.png"):
    ...     (folder / name).parent.mkdir(parents=True, exist_ok=True)
    ...     (folder / name).touch()
    >>> list_pictures(folder).labels
    {'train': ['cats', 'dogs', 'dogs']}
    """
    remarks: list[str] = []
    of_parts = _folders_of_parts(folder, remarks)
    class_names = _class_names(of_parts["train"])
    paths: dict[str, list[Path]] = {}
    labels: dict[str, list[str]] = {}
    others: list[Path] = []
    for part, place in of_parts.items():
        found = _by_class(place, others)
        empty = [name for name, own in found.items() if not own]
        if part == "train" and empty:
            raise DataError(
                f"{named(place / empty[0])}: expected pictures of a class "
                f"({', '.join(SUFFIXES)}), found none; add some or remove the folder"
            )
        unknown = [name for name in found if name not in class_names]
        if unknown:
            raise DataError(
                f"{named(place / unknown[0])}: expected a class of "
                f"{named(of_parts['train'])} (such as "
                f"{', '.join(class_names[:_SHOWN])}), found another; rename it or move "
                "it away"
            )
        if not any(found.values()):  # as Kaggle's test/, whose classes nobody knows
            remarks.append(f"{place.name}/ has no pictures in class folders: left out")
            continue
        paths[part] = [path for own in found.values() for path in own]
        labels[part] = [name for name, own in found.items() for _ in own]
    if others:
        shown = ", ".join(named(Path(file.name)) for file in others[:_SHOWN])
        remarks.append(
            f"{len(others)} files are no pictures by their names and left out, such as "
            f"{shown}"
        )
    return Listing(paths, labels, class_names, tuple(remarks))


def _by_class(folder: Path, others: list[Path]) -> dict[str, list[Path]]:
    """The pictures of each class folder; other files are added to `others`."""
    found: dict[str, list[Path]] = {}
    for one in _subfolders(folder):
        found[one.name] = []
        for file in _files_below(one):
            is_picture = file.suffix.lower() in SUFFIXES
            (found[one.name] if is_picture else others).append(file)
    return found


def _folders_of_parts(folder: Path, remarks: list[str]) -> dict[str, Path]:
    """The folder of each part; without such folders, all is for training."""
    subfolders = _subfolders(folder)
    of_part = {
        part: [one for one in subfolders if one.name.lower() in names]
        for part, names in PART_NAMES.items()
    }
    # A class may be called "train", too; it has pictures, not classes.
    if not any(_subfolders(one) for one in of_part["train"]):
        return {"train": folder}
    for part, own in of_part.items():
        if len(own) > 1:
            raise DataError(
                f"{named(folder)}: expected one folder of the {part} part, found "
                f"{', '.join(one.name for one in own)}; merge them"
            )
    found = {part: own[0] for part, own in of_part.items() if own}
    others = [one.name for one in subfolders if one not in found.values()]
    if others:
        remarks.append(f"beside {found['train'].name}/, left out: {', '.join(others)}")
    return found


def _class_names(folder: Path) -> tuple[str, ...]:
    names = tuple(one.name for one in _subfolders(folder))
    if len(names) > 1:
        return names
    expected = (
        f"{named(folder)}: expected a folder for each of at least 2 classes, with its "
        "pictures"
    )
    if not names:
        raise DataError(f"{expected}, found no folder")
    inside = _subfolders(folder / names[0])
    hint = f"; did you mean {named(folder / names[0])}?" if len(inside) > 1 else ""
    raise DataError(f"{expected}, found one folder, {names[0]!r}{hint}")


def _subfolders(folder: Path) -> list[Path]:
    return [one for one in _entries(folder) if one.is_dir()]


def _files_below(folder: Path, above: frozenset[str] = frozenset()) -> Iterator[Path]:
    place = os.path.realpath(folder)
    if place in above:  # a link to a folder that it is in
        return
    for entry in _entries(folder):
        if entry.is_dir():
            yield from _files_below(entry, above | {place})
        else:
            yield entry


def _entries(folder: Path) -> list[Path]:
    """What is not hidden, in alphabetical order."""
    try:
        names = os.listdir(folder)
    except OSError as error:
        raise DataError(
            f"{named(folder)}: expected a folder that can be read: {error.strerror}; "
            "give the permission, or choose another"
        ) from None
    return [folder / name for name in sorted(names) if not _is_hidden(name)]


def _is_hidden(name: str) -> bool:
    """What systems put beside a user's files."""
    return name.startswith((".", "__MACOSX")) or name.lower() in _OF_WINDOWS


_OF_WINDOWS = ("thumbs.db", "desktop.ini")
