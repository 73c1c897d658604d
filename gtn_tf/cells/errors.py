"""The one error of genotypes, and how it shows what it received."""

from __future__ import annotations

from gtn_tf.errors import GTNError

LONGEST = 10_000  # characters of a genotype; 40 operations have a tenth of it
_SHOWN = 60


class GenotypeError(GTNError, ValueError):
    """Something that is not a genotype, told in one sentence."""


def shown(received: object) -> str:
    """What was received, in one line that is short however long it was.

    Args:
        received: Anything.

    Example:

    >>> shown("x" * 1000)[-5:]
    'xx...'
    """
    try:
        text = repr(received)
    except ValueError:  # Python refuses to write numbers of thousands of digits
        return "a number of thousands of digits"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def check_length(text: str) -> None:
    """Refuses what is too long for a genotype before anything reads it.

    Args:
        text: To be read.

    Raises:
        GenotypeError: If it is.
    """
    if len(text) > LONGEST:
        raise GenotypeError(
            f"expected a genotype of at most {LONGEST} characters, received "
            f"{len(text)}, beginning with {shown(text[:_SHOWN])}"
        )
