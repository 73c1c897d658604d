"""The interface between a contender and the worker that times it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Ranker(NamedTuple):
    """Scores the genotypes of one space."""

    # Trains a fresh network and returns its validation accuracy.
    score: Callable[[str], float]
    packages: tuple[str, ...]  # whose versions are reported
