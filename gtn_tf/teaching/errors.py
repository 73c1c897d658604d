"""The error for teachers that cannot be used."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from gtn_tf.errors import GTNError, first_line


class TeacherError(GTNError, ValueError):
    """A teacher, or a model for it, that cannot be used. Its message is one line."""


@contextlib.contextmanager
def as_teacher_error(message: str) -> Iterator[None]:
    """Re-raises any exception in the block as a `TeacherError`.

    What other libraries raise for damaged files is not documented, and differs between
    their versions.

    Args:
        message: What was expected and received; the error's first line is added.
    """
    try:
        yield
    except TeacherError:
        raise
    except Exception as error:
        raise TeacherError(f"{message} ({first_line(error)})") from error
