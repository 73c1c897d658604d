"""Scores of genotypes in a table: missing ones are computed and saved at once."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

from gtn_tf.atomic_file import write
from gtn_tf.countdown import Countdown
from gtn_tf.errors import first_line
from gtn_tf.inner import graph_rewrites_off
from gtn_tf.run_files import damaged, read_json
from gtn_tf.runs.first_alone import FirstAlone
from gtn_tf.runs.side_by_side import side_by_side
from gtn_tf.search import Candidate, CellSpace, Scorer, ScoringData, score
from gtn_tf.search.identity import Identity, expect_same, identity, settings_of
from gtn_tf.search.scorers import Preparation

Row = dict[str, Any]

SECONDS = "seconds_"  # prefix of a scorer's name


def add_scores(
    rows: dict[str, Row],
    genotypes: Sequence[Any],
    space: CellSpace[Any],
    scorers: Sequence[Scorer],
    data: ScoringData,
    file: Path,
    save: Callable[[], object],
    seed: int = 0,
    report: Callable[[str], None] = print,
    workers: int = 1,
) -> None:
    """Adds the scores that a table lacks: `ScoreTable` for one list of genotypes.

    Args:
        rows: As for `ScoreTable`, as are `space` to `report`.
        genotypes: As for `ScoreTable.add`, as are `workers`.
        space: Builds the networks.
        scorers: The scorers.
        data: Real data.
        file: The table's file.
        save: Writes the table.
        seed: Seed of the weights.
        report: Called with each line of progress.
        workers: Genotypes that are scored at the same time.

    Raises:
        SearchError: As for `ScoreTable`.
    """
    with ScoreTable(rows, space, scorers, data, file, save, seed, report) as table:
        table.add(genotypes, workers)


class ScoreTable:
    """Scores of genotypes, computed when they are asked for, each once.

    A context, in which scorers stay prepared. The table is saved after each genotype;
    one of thousands of rows takes long to write, and is saved less often.

    What made the scores is saved beside the table, in `<name>.made_by.json`: scores of
    other settings or other data are never added to them.

    Args:
        rows: The table, by genotype. Each scorer adds its scores, NaN if it failed, and
            `seconds_` and its name.
        space: Builds the networks, all in one layout.
        scorers: The scorers, each timed.
        data: Real data.
        file: The table's file.
        save: Writes the table.
        seed: Seed of the weights.
        report: Called with each line of progress.

    Raises:
        SearchError: If other settings or other data made the scores that are there, or
            if a scorer cannot be prepared.
    """

    def __init__(
        self,
        rows: dict[str, Row],
        space: CellSpace[Any],
        scorers: Sequence[Scorer],
        data: ScoringData,
        file: Path,
        save: Callable[[], object],
        seed: int = 0,
        report: Callable[[str], None] = print,
    ) -> None:
        self.rows = rows
        self._space = space
        self._scorers = scorers
        self._data = data
        self._seed = seed
        self._report = report
        self._stack = ExitStack()
        self._preparation = Preparation(seed)
        self._seldom = _Seldom(save)
        self._calls = FirstAlone()
        made_by = {one.name: _made_by(one, space, data, seed) for one in scorers}
        _claim(file, made_by, any(rows.values()))

    def __enter__(self) -> ScoreTable:
        self._stack.enter_context(self._preparation)
        self._stack.enter_context(self._seldom)
        # For all threads, while any runs.
        self._stack.enter_context(graph_rewrites_off())
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def add(self, genotypes: Sequence[Any], workers: int = 1) -> None:
        """Adds the scores that are missing.

        Networks that a scorer has to build are built one at a time, whatever `workers`
        says.

        Args:
            genotypes: Of the space's kind; they need not be in the space.
            workers: Genotypes that are scored at the same time. The seconds of each
                then are longer, and those of all shorter.

        Raises:
            SearchError: If a scorer cannot be prepared.
        """
        rows, data, every = self.rows, self._data, self._scorers
        by_name = {self._space.text(genotype): genotype for genotype in genotypes}
        lacks = {
            n: [s for s in every if s.name not in rows.get(n, {})] for n in by_name
        }
        left = {name: missing for name, missing in lacks.items() if missing}
        jobs = [
            _Job(name, self._space.candidate(by_name[name]), missing)
            for name, missing in left.items()
        ]
        if any(one.builds(data) for one in jobs):
            workers = 1
        needed = [one for one in every if any(one in lack for lack in left.values())]
        self._preparation.prepare(needed, data)
        countdown = Countdown(len(by_name), done=len(by_name) - len(left))

        def run(job: _Job) -> _Scored:
            return job.score(data, self._seed, self._calls)

        with closing(side_by_side(run, jobs, workers)) as scored:
            for job, (found, failures) in zip(jobs, scored):
                rows.setdefault(job.name, {}).update(genotype=job.name, **found)
                self._seldom()
                for line in failures:
                    self._report(line)
                pace = countdown.next()
                shown = "  ".join(
                    f"{s.name} {_shown(found[s.name])}" for s in job.scorers
                )
                rate = pace.rate("candidate")
                self._report(f"{pace.position}  {shown}  {rate}, {pace.left}")


class _Scored(NamedTuple):
    """What was found of a genotype, and why there is no more."""

    found: dict[str, float]  # scores, NaN if a scorer failed, and seconds
    failures: list[str]  # a line for each


class _Job(NamedTuple):
    """A genotype, and the scorers whose scores it lacks."""

    name: str
    candidate: Candidate
    scorers: list[Scorer]

    def builds(self, data: ScoringData) -> bool:
        """Whether a network has to be built, of which only one is in memory."""
        return any(one.builds(self.candidate, data) for one in self.scorers)

    def score(self, data: ScoringData, seed: int, calls: FirstAlone) -> _Scored:
        """Runs the scorers, one after the other."""
        scored = _Scored({}, [])
        for scorer in self.scorers:
            if scorer.name in scored.found:  # another scorer has added it
                continue
            try:
                with calls.of(scorer.name):
                    started = time.monotonic()
                    found = score(self.candidate, [scorer], data, seed)
            except (ValueError, ArithmeticError, RuntimeError) as error:
                text = f"{self.candidate.genotype}: {scorer.name}: {first_line(error)}"
                scored.failures.append(text)
                found = {scorer.name: math.nan}
            took = time.monotonic() - started
            scored.found.update({**found, f"{SECONDS}{scorer.name}": took})
        return scored


class _Seldom:
    """Saves now and then, and at the end: a long table takes long to write."""

    def __init__(self, save: Callable[[], object]) -> None:
        self._save = save
        self._next = 0.0
        self._saved = True

    def __call__(self) -> None:
        """Saves, unless that would take more than a twentieth of the time."""
        self._saved = False
        started = time.monotonic()
        if started >= self._next:
            self._save()
            self._saved = True
            self._next = time.monotonic() + 20 * (time.monotonic() - started)

    def __enter__(self) -> _Seldom:
        return self

    def __exit__(self, *error: object) -> None:
        if not self._saved:
            self._save()


def _shown(value: float) -> str:
    return "failed" if math.isnan(value) else f"{value:.4g}"


def _made_by(
    scorer: Scorer, space: CellSpace[Any], data: ScoringData, seed: int
) -> Identity:
    found = identity([scorer], [], settings_of(space), data, seed)
    del found["scorer"]  # its key names it
    return found


def _claim(file: Path, now: Mapping[str, Identity], has_scores: bool) -> None:
    """Saves what makes the scores beside the table, and refuses anything else."""
    beside = file.with_name(f"{file.stem}.made_by.json")
    before: dict[str, Identity] = {}
    if has_scores and beside.exists():
        before = _read(beside, now)
        for name, made_by in now.items():
            if name in before:
                expect_same(before[name], made_by, str(file), "choose another --out")
    file.parent.mkdir(parents=True, exist_ok=True)
    write(beside, json.dumps({**before, **now}, indent=2) + "\n")


def _read(beside: Path, names: Mapping[str, Any]) -> dict[str, Identity]:
    """What made the scores, by scorer.

    Earlier versions wrote one record for all scorers of the table.
    """
    record = read_json(beside)
    if isinstance(record, dict) and isinstance(record.get("seed"), str):
        return dict.fromkeys(names, record)
    if isinstance(record, dict) and all(isinstance(r, dict) for r in record.values()):
        return record
    raise damaged(beside, "expected what made the scores, by scorer")
