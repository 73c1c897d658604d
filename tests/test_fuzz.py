"""The readers against damaged files: a few new ones, and all that once broke one."""

from __future__ import annotations

import pytest

from fuzz import READERS, descriptions, fuzz, read_a_description, read_a_genotype


@pytest.mark.parametrize("name", READERS)
def test_some_damaged_files(name):
    assert fuzz(name, examples=10, seeded=True) >= 5


def test_a_description_without_a_normalisation():
    """It raised a KeyError."""
    about = dict(descriptions()[0])
    del about["normalization"]
    read_a_description(about)


@pytest.mark.parametrize(
    "text",
    [
        # Python reads no integer of thousands of digits, and says so with an error.
        "9" * 5000,
        f"conv_3x3@{'9' * 5000} identity@1 | conv_3x3@0 identity@1",
        # A pattern that tried all ways to part the digits took hours.
        f"conv_3x3@0 identity@1 -> {'1' * 40}x | conv_3x3@0 identity@1",
        # The message showed all of it.
        "x" * 10**6,
    ],
)
def test_a_genotype_of_many_digits(text):
    read_a_genotype(text.encode())
