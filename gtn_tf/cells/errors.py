"""The error for genotypes, and their maximal length."""

from __future__ import annotations

from gtn_tf.errors import GTNError, shown

LONGEST = 10_000  # characters of a genotype; 40 operations need a tenth


class GenotypeError(GTNError, ValueError):
    """Not a genotype. Its message is one line."""


def check_length(text: str) -> None:
    """Checks the length of a genotype before it is parsed.

    Args:
        text: The genotype.

    Raises:
        GenotypeError: If it is too long.
    """
    if len(text) > LONGEST:
        raise GenotypeError(
            f"expected a genotype of at most {LONGEST} characters, received "
            f"{len(text)}, beginning with {shown(text[:60])}"
        )
