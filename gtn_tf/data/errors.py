"""The error for data that cannot be used."""

from __future__ import annotations

from pathlib import Path

from gtn_tf.errors import GTNError


class DataError(GTNError, ValueError):
    """Data is missing, damaged or not what it claims to be.

    The message is one line: what is wrong, with which file, what was expected and
    received, and where to get the data.

    Example:

    >>> from gtn_tf import data
    >>> try:
    ...     data.load("mnist", data_dir="no-such-folder")
    ... except data.DataError as error:
    ...     print(str(error)[:41])
    data folder no-such-folder does not exist
    """


def named(path: Path) -> str:
    """A path as part of a line: a file's name may hold line breaks and worse.

    Args:
        path: A file or a folder.

    Example:

    >>> named(Path("a/b.png")), named(Path("a\\nb"))
    ('a/b.png', "'a\\\\nb'")
    """
    text = str(path)
    return text if text.isprintable() else repr(text)
