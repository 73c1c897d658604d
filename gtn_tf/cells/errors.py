"""The one error of genotypes, and the length that they may have."""

from __future__ import annotations

from gtn_tf.errors import GTNError, shown

LONGEST = 10_000  # characters of a genotype; 40 operations have a tenth of it


class GenotypeError(GTNError, ValueError):
    """Something that is not a genotype. Its message is one line."""


def check_length(text: str) -> None:
    """Checks the length of what should be a genotype before anything reads it.

    Args:
        text: To be read.

    Raises:
        GenotypeError: If it is.
    """
    if len(text) > LONGEST:
        raise GenotypeError(
            f"expected a genotype of at most {LONGEST} characters, received "
            f"{len(text)}, beginning with {shown(text[:60])}"
        )
