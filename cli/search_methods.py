"""Which search method finds the better cells of NAS-Bench-201, given as many scores?

    python cli/search_methods.py --table-only --table FILE [--scale smoke|laptop]
        [--methods NAME ...] [--seeds N] [--evaluations N ...]

Each method searches by published accuracies in place of networks: a candidate's score
is its validation accuracy after 12 epochs, and the answer is the test accuracy after
200 epochs of the candidate with the best score. The table is a CSV file with the
columns arch, cifar10_valid12 and cifar10_test200 and a row for every cell. Interrupted,
the same command goes on with the next method; `--methods` searches by some of them, and
the table keeps the rows of the others.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras_tuner

from common import ROOT, read_table, say, write_facts, write_table
from gtn_tf.accuracy import mean_and_std
from gtn_tf.cells import read_table as read_benchmark
from gtn_tf.countdown import Countdown
from gtn_tf.names import PROPOSERS
from gtn_tf.search import History, NASBench201Space, Observation, Proposer, simulate

_SIGNAL, _ANSWER = "cifar10_valid12", "cifar10_test200"

# Each method with the settings that other implementations report.
_METHODS: dict[str, dict[str, Any]] = {
    "random": {},
    "evolution": {"population": 10, "sample": 3},
    "reinforce": {"learning_rate": 0.1},
    "local": {},
    "nao": {},
    "controller": {},
}
# The same searches, in which a candidate that is drawn again counts once more.
_REPEATED = {"reinforce": "reinforce, repeats counted"}


class _Scale(NamedTuple):
    seeds: int
    evaluations: tuple[int, ...]


_SCALES = {"laptop": _Scale(50, (30, 100, 300)), "smoke": _Scale(2, (5, 12))}


def main() -> None:
    """Parses the command line; runs or resumes the experiment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--scale", choices=_SCALES, default="laptop")
    add(
        "--table-only",
        action="store_true",
        required=True,
        help="search by the table, without any network",
    )
    add("--table", type=Path, required=True, help="the published accuracies")
    add("--methods", nargs="+", choices=_METHODS, default=[*_METHODS])
    add("--seeds", type=int, help="searches by each method, if not the scale's")
    add("--evaluations", type=int, nargs="+", help="the same")
    add("--out", type=Path, default=ROOT / "results" / "search_methods")
    options = parser.parse_args()
    scale = _SCALES[options.scale]
    if options.seeds:
        scale = scale._replace(seeds=options.seeds)
    if options.evaluations:
        scale = scale._replace(evaluations=tuple(options.evaluations))
    by_table(read_benchmark(options.table), scale, options.methods, options.out)
    write_facts(
        options.out,
        _command(options),
        scale,
        signal=_SIGNAL,
        answer=_ANSWER,
        settings={name: _METHODS[name] for name in options.methods},
        first_seed=0,
    )


def _command(options: argparse.Namespace) -> str:
    """The command that repeats the searches."""
    words = ["python cli/search_methods.py --table-only --table FILE"]
    words += ["--scale", options.scale, "--methods", *options.methods]
    words += ["--seeds", str(options.seeds)] if options.seeds else []
    if options.evaluations:
        words += ["--evaluations", *map(str, options.evaluations)]
    return " ".join(words)


def by_table(
    table: Mapping[str, Mapping[str, float]],
    scale: _Scale,
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
        for seed in range(scale.seeds):
            for key, accuracy in _answers(name, table, scale, seed).items():
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
    name: str, table: Mapping[str, Mapping[str, float]], scale: _Scale, seed: int
) -> dict[tuple[str, int], float]:
    """The answer of one search after each number of evaluations."""
    space = NASBench201Space((32, 32, 3), 10)
    hp = keras_tuner.HyperParameters()
    space.genotype(hp)

    def accuracies(values: Mapping[str, Any]) -> Mapping[str, float]:
        chosen = keras_tuner.HyperParameters()
        chosen.values = dict(values)
        return table[str(space.genotype(chosen))]

    def answer(candidates: list[Observation]) -> float:
        best = max(candidates, key=lambda one: one.score)
        return accuracies(best.values)[_ANSWER]

    proposer = _Counting(PROPOSERS.load(name)(**_METHODS[name]))
    candidates = simulate(
        proposer,
        hp,
        lambda values: accuracies(values)[_SIGNAL],
        max(scale.evaluations),
        seed,
    )
    found = {}
    for count in scale.evaluations:
        found[name, count] = answer(candidates[:count])
        if name in _REPEATED:
            known = sum(draws <= count for draws in proposer.draws)
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


if __name__ == "__main__":
    main()
