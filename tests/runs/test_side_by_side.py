"""Calls on threads: their order, how many there are, and how they end."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import pytest

from gtn_tf.runs.side_by_side import side_by_side

SOON = 20  # seconds; what waits longer has failed


def test_results_are_in_the_order_of_the_items() -> None:
    last_ended = threading.Event()

    def run(item: int) -> int:
        if item == 0:
            assert last_ended.wait(SOON)
        if item == 3:
            last_ended.set()
        return 10 * item

    assert [*side_by_side(run, range(4), workers=2)] == [0, 10, 20, 30]


def test_as_many_run_at_the_same_time_as_there_are_workers() -> None:
    together = threading.Barrier(3, timeout=SOON)  # passed by three at a time only
    found = side_by_side(lambda item: together.wait(), range(6), workers=3)
    assert sorted(found) == [0, 0, 1, 1, 2, 2]


def test_one_worker_is_the_thread_that_asks_and_calls_when_asked() -> None:
    called = []

    def run(item: int) -> threading.Thread:
        called.append(item)
        return threading.current_thread()

    found = side_by_side(run, range(3), workers=1)
    assert next(found) is threading.current_thread() and called == [0]


def test_when_it_is_left_nothing_runs_or_begins() -> None:
    begun, ended = [], []

    def run(item: int) -> None:
        begun.append(item)
        time.sleep(0.01)
        ended.append(item)

    with closing(side_by_side(run, range(500), workers=2)) as found:
        next(found)
    at_the_end = len(begun)
    time.sleep(0.03)
    assert 0 < at_the_end == len(begun) == len(ended) < 500


def test_an_error_comes_in_the_place_of_its_result() -> None:
    begun = []

    def run(item: int) -> float:
        begun.append(item)
        time.sleep(0.002)
        return 1 / (item - 2)

    found = side_by_side(run, range(500), workers=2)
    assert [next(found), next(found)] == [-0.5, -1.0]
    with pytest.raises(ZeroDivisionError):
        next(found)
    assert len(begun) < 500
