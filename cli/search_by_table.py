"""Searches by published accuracies of NAS-Bench-201 in place of networks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from common import read_table, say, write_table
from gtn_tf.accuracy import mean_and_std
from gtn_tf.countdown import Countdown
from gtn_tf.names import PROPOSERS
from gtn_tf.search import History, NASBench201Space, Observation, Proposer
from search_lab import simulated

SIGNAL, ANSWER = "cifar10_valid12", "cifar10_test200"

# Each method with the settings that other implementations report.
SETTINGS: dict[str, dict[str, Any]] = {
    "random": {},
    "evolution": {"population": 10, "sample": 3},
    "reinforce": {"learning_rate": 0.1},
    "local": {},
    "nao": {},
    "controller": {},
}
# The same searches, in which a candidate that is drawn again counts once more.
_REPEATED = {"reinforce": "reinforce, repeats counted"}


class TableScale(NamedTuple):
    """The sizes of searches by a table."""

    seeds: int
    evaluations: tuple[int, ...]


SCALES = {"laptop": TableScale(50, (30, 100, 300)), "smoke": TableScale(2, (5, 12))}


def by_table(
    table: Mapping[str, Mapping[str, float]],
    scale: TableScale,
    methods: Sequence[str],
    out: Path,
) -> None:
    """Searches by published accuracies; writes `table_only.csv`, method by method.

    Args:
        table: For each cell, its accuracies.
        scale: The sizes.
        methods: Those to search by, unless they have rows of as many seeds.
        out: The folder.
    """
    file = out / "table_only.csv"
    rows = read_table(file)
    for name in methods:
        mine = name, _REPEATED.get(name)
        known = [row for row in rows if row["method"] == name]
        done = {row["evaluations"] for row in known if row["seeds"] == scale.seeds}
        if done >= {*scale.evaluations}:
            continue
        rows = [row for row in rows if row["method"] not in mine]
        countdown = Countdown(scale.seeds)
        found: dict[tuple[str, int], list[float]] = {}
        # One for all seeds: its networks are traced once.
        proposer = PROPOSERS.load(name)(**SETTINGS[name])
        fresh = proposer.get_state()
        for seed in range(scale.seeds):
            proposer.set_state(fresh)
            answers = _answers(name, proposer, table, scale, seed)
            for key, accuracy in answers.items():
                found.setdefault(key, []).append(accuracy)
            pace = countdown.next()
            say(f"{name}: seed {pace.position}, {pace.left}")
        for (method, evaluations), accuracies in sorted(found.items()):
            row = {"method": method, "evaluations": evaluations}
            rows.append({**row, **mean_and_std(accuracies), "seeds": scale.seeds})
        write_table(rows, file)
    for row in rows:
        say("{method}, {evaluations:.0f}: {mean:.2f} \u00b1 {std:.2f}".format(**row))


def _answers(
    name: str,
    proposer: Proposer,
    table: Mapping[str, Mapping[str, float]],
    scale: TableScale,
    seed: int,
) -> dict[tuple[str, int], float]:
    """The answer of one search after each number of evaluations."""
    space = NASBench201Space((32, 32, 3), 10)

    def answer(candidates: list[Observation]) -> float:
        best = max(candidates, key=lambda one: one.score)
        return table[str(space.from_values(best.values))][ANSWER]

    counting = _Counting(proposer)
    candidates = simulated(
        counting,
        space,
        lambda cell: table[str(cell)][SIGNAL],
        max(scale.evaluations),
        seed,
    )
    found = {}
    for count in scale.evaluations:
        found[name, count] = answer(candidates[:count])
        if name in _REPEATED:
            known = sum(draws <= count for draws in counting.draws)
            found[_REPEATED[name], count] = answer(candidates[:known])
    return found


class _Counting(Proposer):
    """Counts the draws of another proposer, with those of candidates known before."""

    def __init__(self, proposer: Proposer) -> None:
        self.proposer = proposer
        self.draws: list[int] = []  # up to each candidate

    def propose(self, history: History) -> Mapping[str, Any] | None:
        count = self.draws[-1] if self.draws else 0

        def is_tried(values: Mapping[str, Any]) -> bool:
            nonlocal count
            count += 1
            return history.is_tried(values)

        found = self.proposer.propose(dataclasses.replace(history, is_tried=is_tried))
        self.draws.append(count)
        return found
