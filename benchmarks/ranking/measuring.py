"""The benchmark's processes, one at a time; finished ones are not run again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from agreement import Difference
from contenders import Contender
from processes import WorkerError, run_process
from ranking.agreement import check
from ranking.contenders import OURS, TORCH, find
from ranking.problem import SETTINGS, SPACES
from store import Store

Line = dict[str, Any]

_MEMORY_SPACE = "nas_bench_201"
_FEWER = 4  # divides the memory candidates with a network each


class Effort(NamedTuple):
    """How much is measured."""

    setting: str  # one of `SETTINGS`
    candidates: int
    memory_candidates: int
    rounds: int


class Measuring:
    """Runs workers.

    Args:
        store: Results of finished processes.
        contenders: The contenders.
        effort: How much is measured.
    """

    def __init__(
        self, store: Store, contenders: Sequence[Contender], effort: Effort
    ) -> None:
        self._store = store
        self._contenders = contenders
        self._effort = effort
        self._kept = {tuple(line["key"]): line for line in store.lines()}

    def compare(self) -> Difference | None:
        """Compares PyTorch's networks with gtn_tf's, all cells that are timed.

        Returns:
            The largest difference of logits; None where PyTorch is not measured.

        Raises:
            Disagreement: If they are not the same.
        """
        theirs = [one for one in self._contenders if one.name in TORCH]
        if not theirs:
            return None
        print("Comparing PyTorch's networks with gtn_tf's ...", flush=True)
        files = []
        for contender in (find(["gtn_tf"], Path())[0], theirs[0]):
            count = self._effort.candidates
            files.append(self._store.arrays(contender.name, count))
            words = ["--candidates", count, "--ours", files[0], "--save", files[-1]]
            if not files[-1].exists():
                self._run(contender, "agreement", _MEMORY_SPACE, words)
        with np.load(files[0]) as ours, np.load(files[1]) as other:
            return check(dict(other), dict(ours))

    def lines(self) -> list[Line]:
        """Measures all parts.

        Returns:
            A line for each process.
        """
        found = []
        for part, space, contender, words, number in self._plan():
            key = (contender.label, part, space, *words, number)
            if key not in self._kept:
                line = self._run(contender, part, space, words)
                self._kept[key] = {
                    "contender": contender.label,
                    "part": part,
                    "space": space,
                    **line,
                    "key": key,
                }
                self._store.add(self._kept[key])
            found.append(self._kept[key])
            print(f"  {part}, {space}, {contender.label}: measured", flush=True)
        return found

    def _plan(self) -> Iterator[tuple[str, str, Contender, list[Any], int]]:
        effort = self._effort
        for number in range(effort.rounds):
            for space in SPACES:
                for one in self._contenders:
                    words = ["--candidates", effort.candidates]
                    yield "speed", space, one, words, number
                    if one.name != "gtn_tf_network_each":  # one at a time
                        yield "together", space, one, words, number
        ours = [one for one in self._contenders if one.name in OURS]
        for space in SPACES:
            for one in ours:
                words = ["--candidates", effort.candidates]
                yield "sizes", space, one, words, 0
            for one in ours:
                if one.name == "gtn_tf":
                    yield "steps", space, one, [], 0
                    yield "meta", space, one, [], 0
        for one in self._contenders:
            count = effort.memory_candidates
            if one.name == "gtn_tf_network_each":
                count = max(1, count // _FEWER)
            yield "memory", _MEMORY_SPACE, one, ["--candidates", count], 0

    def _run(
        self, contender: Contender, part: str, space: str, words: Sequence[Any]
    ) -> Line:
        asked = [contender.name, part, space, self._effort.setting, *words]
        command = [contender.python, "-m", "ranking.worker", *asked]
        line = run_process(command, f"{contender.label}: {part} of {space}")
        if "gave_up" in line:
            raise WorkerError(f"{contender.label}, {part}: {line['gave_up']}")
        return line


def effort(
    setting: str, candidates: int | None, memory: int | None, rounds: int | None
) -> Effort:
    """How much is measured, by the options and else by the setting.

    Args:
        setting: One of `SETTINGS`.
        candidates: Candidates timed in a process, after its first.
        memory: Candidates of the memory part.
        rounds: Processes of each contender and space.
    """
    known = SETTINGS[setting]
    return Effort(
        setting,
        candidates or known.candidates,
        memory or known.memory_candidates,
        rounds or 1,
    )
