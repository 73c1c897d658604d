"""Runs the workers: first meta-gradients to compare, then times."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

import machine
from agreement import Difference, agrees, compare
from contenders import Contender
from plan import Measurement, plan, steps_of
from problem import SIZES
from processes import WorkerError, run_worker
from store import Store
from worker import OURS

_UNROLLS = ("recompute", "keep")  # of gtn_tf; the first is the reference

Line = dict[str, Any]


class Disagreement(Exception):
    """A meta-gradient that is not gtn_tf's."""


class Measuring:
    """All processes of a benchmark; finished ones are not run again.

    Args:
        store: Results of finished processes.
        size: The problem's name.
        contenders: The contenders. gtn_tf on this Python is the reference, even if it
            is not among them.
        ours: gtn_tf on this Python.
        steps: Inner steps instead of the size's.
        unroll: gtn_tf's, instead of the one it picks.
    """

    def __init__(
        self,
        store: Store,
        size: str,
        contenders: Sequence[Contender],
        ours: Contender,
        steps: int | None = None,
        unroll: str | None = None,
    ) -> None:
        self._store = store
        self._size = size
        self._contenders = contenders
        self._ours = ours
        self._steps = steps
        self._unroll = unroll
        # Finished results by key, and reasons for giving up by label and steps.
        self._kept = {tuple(line["key"]): line for line in store.lines()}
        self._gave_up: dict[tuple[str, int], str] = {}

    def compare(self) -> dict[str, Difference]:
        """Compares all float64 meta-gradients with gtn_tf's on this Python.

        gtn_tf may pick another unroll for more steps, so that each has to agree. A
        peer that gives up here is not timed either.

        Returns:
            The differences by label.

        Raises:
            Disagreement: If one of them is too large.
            WorkerError: If a worker fails, or gtn_tf gives up.
        """
        size = SIZES[self._size]
        steps = min(self._steps or size.steps, size.agreement_steps)
        print(
            f"Comparing the meta-gradients of {steps} steps in float64 ...", flush=True
        )
        todo = {
            f"{one.label}, {unroll}": (one, ("--unroll", unroll))
            for one in dict.fromkeys([self._ours, *self._contenders])
            if one.name == "gtn_tf"
            for unroll in _UNROLLS
        }
        todo |= {x.label: (x, ()) for x in self._contenders if x.name not in OURS}
        with ThreadPoolExecutor(machine.CORES) as threads:  # nothing is timed yet
            saved = [
                threads.submit(self._save, label, steps, *what)
                for label, what in todo.items()
            ]
            lines = dict(zip(todo, (one.result() for one in saved)))
        found = {}
        reference = self._gradients(next(iter(todo)), steps)
        for label in list(todo)[1:]:
            if "gave_up" in lines[label]:
                self._exclude(label, steps, lines[label])
                continue
            one = compare(self._gradients(label, steps), reference)
            found[label] = one
            print(
                f"  {label}: {one.relative:.1e} at most, in {one.tensor} "
                f"({one.compared} tensors)"
            )
        wrong = [label for label, one in found.items() if not agrees(one)]
        if wrong:
            raise Disagreement(", ".join(wrong))
        return found

    def rounds(self, rounds: int | None = None) -> list[Line]:
        """Times all contenders, round by round.

        Args:
            rounds: Overrides the size's.

        Returns:
            A line for each process. A contender that gave up at a number of steps is
            not started again at it.
        """
        by_label = {one.label: one for one in self._contenders}
        lines = []
        for one in plan(self._size, list(by_label), self._steps, rounds):
            contender = by_label[one.implementation]
            words: list[object] = ["--repeats", one.repeats]
            if self._unroll and contender.name == "gtn_tf":
                words += ["--unroll", self._unroll]
            known = self._gave_up.get((one.implementation, one.steps))
            line = self._run((one.round,), contender, one.steps, words, known)
            if "gave_up" in line:
                self._gave_up[one.implementation, one.steps] = line["gave_up"]
            lines.append(line)
            print(_progress(one, line), flush=True)
        return lines

    def convolution_speed(self) -> float:
        """Operations per second of one large convolution, the best of several."""
        contender = self._ours._replace(label="convolution", name="convolution")
        steps = SIZES[self._size].steps  # irrelevant
        line = self._run((), contender, steps, ["--repeats", 20])
        if "gave_up" in line:
            raise WorkerError(f"convolution: {line['gave_up']}")
        return line["operations"] / min(line["seconds"])

    def _save(
        self, label: str, steps: int, contender: Contender, special: tuple[str, ...]
    ) -> Line:
        path = self._store.arrays(label, steps)
        if path.exists():
            return {}
        if (label, steps) in self._kept:
            return self._kept[label, steps]
        line = run_worker(contender, self._size, steps, "--save", path, *special)
        if "gave_up" in line and contender.name in OURS:
            raise WorkerError(f"{label}: {line['gave_up']}")
        return line

    def _gradients(self, label: str, steps: int) -> dict[str, np.ndarray]:
        with np.load(self._store.arrays(label, steps)) as arrays:
            return dict(arrays)

    def _exclude(self, label: str, compared: int, line: Line) -> None:
        if (label, compared) not in self._kept:
            self._keep((label, compared), line)
        print(f"  {label}: {line['gave_up']}; not timed")
        for steps in steps_of(self._size, self._steps):
            self._gave_up[label, steps] = line["gave_up"]

    def _run(
        self,
        number: tuple[int, ...],
        contender: Contender,
        steps: int,
        words: Sequence[object],
        gave_up: str | None = None,
    ) -> Line:
        key = contender.label, steps, *number, *words
        if gave_up:
            asked = {"implementation": contender.label, "size": self._size}
            return {**asked, "steps": steps, "gave_up": gave_up}
        if key not in self._kept:
            self._keep(key, run_worker(contender, self._size, steps, *words))
        return self._kept[key]

    def _keep(self, key: tuple[object, ...], line: Line) -> None:
        self._kept[key] = {**line, "key": key}
        self._store.add(self._kept[key])


def _progress(one: Measurement, line: Line) -> str:
    name = f"round {one.round + 1}, {one.steps} steps, {one.implementation}"
    if "gave_up" in line:
        return f"  {name}: {line['gave_up']}"
    peak = line["peak_bytes"] / 1e6
    return f"  {name}: {min(line['seconds']):.3f} s, {peak:.0f} MB"
