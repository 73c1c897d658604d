"""The base of every error that gtn_tf raises on purpose: one line that says it all."""

from __future__ import annotations

import reprlib
from typing import Any


class GTNError(Exception):
    """Something that cannot be done, told in one line.

    The line says what was expected, what was received and what to do. Each of its
    subclasses is an error of Python's own, too: `ValueError` for what was passed in,
    `RuntimeError` or `ArithmeticError` for what came of it.

    Example:

    >>> import gtn_tf
    >>> try:
    ...     gtn_tf.load_teacher("digit")
    ... except gtn_tf.GTNError as error:
    ...     print(str(error)[-22:])
    ; did you mean digits?
    """


class ArgumentError(GTNError, ValueError):
    """An argument that cannot be used.

    Args:
        message: What was expected and received.
        argument: Its name, where a configuration has a key for it.
    """

    def __init__(self, message: str, argument: str = "") -> None:
        super().__init__(message)
        self.argument = argument


def first_line(error: BaseException) -> str:
    """Shortens the error of another library so that it fits into one line.

    Args:
        error: The error to be reported.

    Returns:
        The error's type and the first line of its message, cut to 200 characters.

    Example:

    >>> first_line(OSError("no route\\nto host"))
    'OSError: no route'
    """
    lines = str(error).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {lines[0][:200]}"


def shown(value: Any) -> str:
    """Writes what was received into an error, however large it is.

    Args:
        value: Anything; a text is shown as it is while it can be printed.

    Returns:
        One line of at most 200 characters.

    Example:

    >>> shown("digit"), shown({"steps": [1, 2]}), len(shown("x" * 10**6))
    ('digit', "{'steps': [1, 2]}", 200)
    """
    if isinstance(value, str) and value.isprintable():
        text = value[:201]
    else:
        try:
            text = _SHORT.repr(value)
        except ValueError:  # Python writes no integer of thousands of digits
            text = f"a huge {type(value).__name__}"
    return text if len(text) <= 200 else f"{text[:197]}..."


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 200
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = 20
