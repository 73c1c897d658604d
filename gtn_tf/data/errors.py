"""The one error the data room raises about data."""

from __future__ import annotations


class DataError(ValueError):
    """Data is missing, damaged or not what it claims to be.

    The message is one line: what is wrong, with which file, what was expected and
    received, and where the data can be had.

    Example:

    >>> from gtn_tf import data
    >>> try:
    ...     data.load("mnist", data_dir="no-such-folder")
    ... except data.DataError as error:
    ...     print(str(error)[:41])
    data folder no-such-folder does not exist
    """


def first_line(error: Exception) -> str:
    """Shortens the error of another library so that it fits into one line.

    Args:
        error: The error to be reported.

    Returns:
        The error's type and the first line of its message, cut to 200 characters.

    Example:

    >>> from gtn_tf.data.errors import first_line
    >>> first_line(OSError("no route\\nto host"))
    'OSError: no route'
    """
    lines = str(error).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {lines[0][:200]}"
