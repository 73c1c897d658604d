"""Calls on threads, of which the first of each kind is alone."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gtn_tf.runs.first_alone import FirstAlone

SOON = 20  # seconds; what waits longer has failed


class Calls:
    """Runs calls on three threads, and records how many there are beside each."""

    def __init__(self) -> None:
        self._calls = FirstAlone()
        self._running: list[str] = []
        self.beside: dict[str, int] = {}  # the most, by name
        self._pool = ThreadPoolExecutor(3)

    def run(self, kinds: list[str], fails: tuple[str, ...] = ()) -> None:
        names = [f"{kind}{number}" for number, kind in enumerate(kinds)]
        futures = [self._pool.submit(self._call, name, fails) for name in names]
        for future in futures:
            future.exception(SOON)

    def _call(self, name: str, fails: tuple[str, ...]) -> None:
        with self._calls.of(name[0]):
            self._running.append(name)
            until = time.monotonic() + 0.03
            while time.monotonic() < until:
                beside = len(self._running) - 1
                self.beside[name] = max(beside, self.beside.get(name, 0))
                time.sleep(0.001)
            self._running.remove(name)
            if name in fails:
                raise ValueError(name)


def test_the_first_of_a_kind_is_alone_and_later_ones_are_not() -> None:
    calls = Calls()
    calls.run(["a", "a", "a", "a"])
    first, *others = calls.beside
    assert calls.beside[first] == 0 and max(map(calls.beside.get, others)) > 0
    calls.run(["a", "a", "b", "a", "a"])  # it waits for those before
    assert calls.beside["b2"] == 0


def test_one_that_fails_does_not_count() -> None:
    calls = Calls()
    calls.run(["a", "a", "a"], fails=("a0", "a1", "a2"))
    assert calls.beside == {"a0": 0, "a1": 0, "a2": 0}


def test_an_error_goes_through_and_the_next_one_runs() -> None:
    calls, ran = FirstAlone(), []
    with pytest.raises(ValueError, match="mine"), calls.of("a"):
        raise ValueError("mine")
    with calls.of("a"):
        ran.append("a")
    assert ran
