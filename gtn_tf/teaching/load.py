"""Loads trained teachers: bundled ones by name, others by path."""

from __future__ import annotations

import json
import os
from pathlib import Path

from gtn_tf.errors import did_you_mean
from gtn_tf.teaching.errors import TeacherError, as_teacher_error
from gtn_tf.teaching.saved_model import read_npz, read_saved_model
from gtn_tf.teaching.trained_teacher import TrainedTeacher

BUNDLED = ("digits", "mnist", "fashion_mnist")

_FOLDER = Path(__file__).resolve().parent.parent / "bundled"


def load_teacher(source: str | os.PathLike[str]) -> TrainedTeacher:
    """Loads a trained teacher.

    Only data is read from the file: no pickle is read and no Python runs, nor does a
    SavedModel's graph where the lessons are saved as arrays (docs/security.md).

    Args:
        source: The name of a bundled teacher, `"digits"`, `"mnist"` or
            `"fashion_mnist"`; or a path: a SavedModel, a folder of its versions, a
            run directory, or an npz file that `TrainedTeacher.save_npz` wrote.

    Returns:
        The teacher.

    Raises:
        TeacherError: If there is no such teacher, or if it is damaged or something
            else.

    Example:

    >>> load_teacher("digits").class_names[:3]
    ['0', '1', '2']
    """
    source = os.fspath(source)
    path = _bundled(source) if source in BUNDLED else Path(source).expanduser()
    if path.is_file():
        return read_npz(path)
    if not path.is_dir():
        raise TeacherError(
            f"{source}: expected a path, or one of the bundled teachers "
            f"{', '.join(BUNDLED)}{did_you_mean(source, BUNDLED)}"
        )
    return read_saved_model(_newest(path))


def as_teacher(source: TrainedTeacher | str | os.PathLike[str]) -> TrainedTeacher:
    """Loads a teacher, unless it is already loaded.

    Args:
        source: A teacher, or as for `load_teacher`.

    Example:

    >>> as_teacher("digits").steps
    24
    """
    return source if isinstance(source, TrainedTeacher) else load_teacher(source)


def training_seconds(source: str | os.PathLike[str]) -> float | None:
    """How long a teacher was meta-trained, if a record beside it says so.

    Args:
        source: As for `load_teacher`: a bundled one's name, or a run directory.

    Raises:
        TeacherError: If the record is damaged.

    Example:

    >>> training_seconds("digits") > 60
    True
    """
    source = os.fspath(source)
    if source in BUNDLED:
        record, key = _FOLDER / source / "results.json", "training_seconds"
    else:
        record, key = Path(source).expanduser() / "summary.json", "seconds"
    if not record.is_file():
        return None
    with as_teacher_error(f"{record}: expected a record in JSON"):
        seconds = json.loads(record.read_text(encoding="utf-8-sig")).get(key)
        return None if seconds is None else float(seconds)


def _bundled(name: str) -> Path:
    """A SavedModel, or the lessons of a teacher without a generator."""
    lessons = _FOLDER / name / "teacher.npz"
    return lessons if lessons.is_file() else _FOLDER / name / "1"


def _newest(path: Path) -> Path:
    """The SavedModel itself, the highest version in a folder, or a run's export."""
    if (path / "saved_model.pb").is_file():
        return path
    folders = [path, path / "export"]
    versions = [
        version
        for folder in folders
        if folder.is_dir()
        for version in folder.iterdir()
        if version.name.isdecimal() and (version / "saved_model.pb").is_file()
    ]
    if not versions:
        raise TeacherError(
            f"{path}: expected a SavedModel, a folder of its versions (1, 2, ...) or a "
            "run directory with export/1, found no saved_model.pb"
        )
    return max(versions, key=lambda version: int(version.name))
