"""The base of every error that gtn_tf raises on purpose: one line that says it all."""

from __future__ import annotations

import difflib
import errno
import os
import re
import reprlib
from collections.abc import Iterable

_LONGEST = 200  # characters of a value or of another library's message
_LONGEST_NAME = 60  # characters of a name that are compared

# As TensorFlow writes it: the path, a semicolon and the system's reason.
_REASONS = "|".join(re.escape(os.strerror(code)) for code in errno.errorcode)
_REFUSAL = re.compile(rf"(\S+); ({_REASONS})")


class GTNError(Exception):
    """Base of all errors that gtn_tf raises. Its message is one line.

    The line says what was expected, what was received and what to do. Each subclass is
    also a built-in error: `ValueError` for a bad argument, `RuntimeError` or
    `ArithmeticError` for a failure at run time.

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


def closest(received: object, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Finds the name that was most likely meant.

    Args:
        received: The unknown name.
        known: All valid names.
        cutoff: The least similarity, from 0 to 1.

    Returns:
        The most similar one; `None` if none is similar.

    Example:

    >>> closest("Iteration", ["iterations", "batch_size"])
    'iterations'
    """
    text = received if isinstance(received, str) else shown(received)
    name = text[:_LONGEST_NAME].lower()
    return next(iter(difflib.get_close_matches(name, known, 1, cutoff)), None)


def did_you_mean(received: object, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The end of an error about a name: the one that was most likely meant.

    Args:
        received: As for `closest`.
        known: As for `closest`.
        cutoff: As for `closest`.

    Returns:
        Text that follows what was received; empty if no name is similar.

    Example:

    >>> did_you_mean("con", ["conv", "mlp"])
    '; did you mean conv?'
    """
    name = closest(received, known, cutoff)
    return "" if name is None else f"; did you mean {name}?"


def not_one_of(what: str, received: object, known: Iterable[str]) -> str:
    """The whole error about an unknown name.

    Args:
        what: What has the name, such as an argument.
        received: The unknown name.
        known: All valid names.

    Example:

    >>> not_one_of("learner", "con", ["conv", "mlp"])
    "learner: expected one of conv, mlp, received 'con'; did you mean conv?"
    """
    known = list(known)
    return (
        f"{what}: expected one of {', '.join(known)}, received {shown(received)}"
        f"{did_you_mean(received, known)}"
    )


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
    return f"{type(error).__name__}: {lines[0][:_LONGEST]}"


def shown(value: object) -> str:
    """Writes a value as Python does, cut so that it fits into a line.

    Args:
        value: What was received.

    Returns:
        Its `repr`, at most 200 characters of it.

    Example:

    >>> shown([0] * 1000)[-12:]
    ', 0, 0, ...]'
    """
    try:
        text = _Short().repr(value)
    except ValueError:  # Python writes no integer of more than 4300 digits
        text = f"a very long {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def cut(text: str) -> str:
    """Makes untrusted text printable and short enough for a line.

    Args:
        text: Such as a name from a file.

    Returns:
        At most 200 printable characters.

    Example:

    >>> cut("images, labels"), len(cut("x" * 10**6))
    ('images, labels', 200)
    """
    text = text[: _LONGEST + 1]
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


class _Short(reprlib.Repr):
    """Python's `repr`, but never long: lists may hold one list many times over."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxlist, self.maxtuple, self.maxdict = 3, 50, 50, 50
        self.maxstring = self.maxlong = self.maxother = 2 * _LONGEST
        self._open: list[int] = []

    def repr_list(self, x: list[object], level: int) -> str:
        if id(x) in self._open:  # a list that contains itself
            return "[...]"
        self._open.append(id(x))
        text = super().repr_list(x, level)
        self._open.pop()
        return text


def refused_by_system(error: BaseException) -> str | None:
    """The operating system's message, if it caused an error.

    TensorFlow reports a missing file or a full disk only as text.

    Args:
        error: From Python or TensorFlow.

    Returns:
        The file, if it is known, and the reason; `None` for any other error.

    Example:

    >>> refused_by_system(PermissionError(13, "Permission denied", "teacher.npz"))
    'teacher.npz: Permission denied'
    """
    if isinstance(error, OSError):
        files = [os.fsdecode(f) for f in (error.filename, error.filename2) if f]
        return ": ".join([*files[-1:], error.strerror or first_line(error)])
    found = _REFUSAL.search(str(error))
    return f"{found[1]}: {found[2]}" if found else None
