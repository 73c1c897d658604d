"""Contenders that rank cells, and their scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curve_scores import Score, score_of, scores_at
from gtn_tf.search import Scorer
from gtn_tf.search.ranking import summed_ranks

_ADDED = ("params", "params + synflow")  # whose ranks are added


@dataclass(frozen=True)
class Contender:
    """What gives scores of cells.

    Args:
        name: Its name.
        file: Its table.
        scorers: Makes the scorers that fill it.
        steps: Of the training; 0 of a score without one.
        learners: Networks a cell.
        made_in: Seconds of what was trained before, if anything was.
        is_real: Whether it trains on real data.
        is_teacher: Whether it is a teacher.
    """

    name: str
    file: Path
    scorers: Callable[[], list[Scorer]]
    steps: int = 0
    learners: int = 1
    made_in: float | None = None
    is_real: bool = False
    is_teacher: bool = False


@dataclass(frozen=True)
class Entry:
    """A score of all cells.

    Args:
        contender: Whose.
        learners: Networks a cell.
        kind: One of `curve_scores.KINDS`, `"accuracy"`, or nothing.
        steps: Of the training; 0 without one.
        added: Scores whose ranks are added, or nothing.
        score: The score.
    """

    contender: Contender
    learners: int
    kind: str
    steps: int
    added: str
    score: Score

    @property
    def line(self) -> str:
        """The name of its line in pictures."""
        many = f", {self.learners} networks" if self.learners > 1 else ""
        return f"{self.contender.name}{many}"


def read_entries(
    one: Contender, rows: Sequence[Mapping[str, Any]], block: int
) -> list[Entry]:
    """The scores of a contender.

    Args:
        one: The contender.
        rows: Of its table, one for each cell.
        block: Steps of a block of the loss curves.
    """
    if not one.steps:
        return [Entry(one, 1, "", 0, "", score_of(rows, one.name))]
    return [
        Entry(one, learners, kind, steps, "", score)
        for learners in dict.fromkeys([1, one.learners])
        for kind, at in scores_at(rows, learners, one.steps, block).items()
        for steps, score in at.items()
    ]


def sums(entries: Sequence[Entry]) -> list[Entry]:
    """The sums of ranks with scores that take no training.

    Args:
        entries: Of all contenders.
    """
    alone = {one.contender.name: one for one in entries if not one.kind}
    found = []
    for added in _ADDED:
        names = added.split(" + ")
        if not set(names) <= {*alone}:
            continue
        others = [alone[name].score for name in names]
        for one in entries:
            trained = one.kind or one.contender.made_in is not None
            if one.contender.name in names or not (trained or len(names) == 1):
                continue
            parts = [one.score, *others]
            ranks = summed_ranks([part.values for part in parts])
            total = Score(-ranks, sum(part.seconds for part in parts))
            found.append(
                Entry(one.contender, one.learners, one.kind, one.steps, added, total)
            )
    return found
