"""Errors that a user can fix, in one line."""

from __future__ import annotations

from gtn_tf.errors import GTNError, first_line, refused_by_system

_AGAIN = "what was written before is sound; fix that and start the same command again"

_OUT_OF_MEMORY = "ResourceExhaustedError"  # TensorFlow's


def in_one_line(error: Exception) -> str | None:
    """The message for the user about an error.

    Args:
        error: Raised by a command.

    Returns:
        One line; `None` for a bug, whose traceback is worth seeing.

    Example:

    >>> in_one_line(OSError(28, "No space left on device", "runs/metrics.csv"))[:42]
    'runs/metrics.csv: No space left on device;'
    """
    if isinstance(error, GTNError):
        return str(error)
    refusal = refused_by_system(error)
    if refusal is not None:
        return f"{refusal}; {_AGAIN}"
    # By name, since importing TensorFlow takes five seconds.
    if isinstance(error, MemoryError) or type(error).__name__ == _OUT_OF_MEMORY:
        return (
            f"not enough memory for these settings ({first_line(error)}); make them "
            "smaller and start again"
        )
    return None
