"""How fast work goes and how long the rest takes: what is counted, and its words."""

from __future__ import annotations

import math

import pytest

from gtn_tf.countdown import Countdown, Pace, time_left


def test_what_was_done_before_has_no_share_in_the_pace() -> None:
    countdown = Countdown(10, done=4, clock=iter([100.0, 103.0, 104.0]).__next__)
    assert countdown.pace.left == countdown.pace.rate("candidate") == ""
    countdown.next()
    pace = countdown.next()
    assert pace == (6, 10, 2, 4.0)
    assert pace.per_minute == 30 and pace.seconds_left == 8
    assert (pace.position, pace.left) == ("6/10", "8 s left")
    assert countdown.pace is pace


def test_a_pace_without_a_timed_item_is_not_known() -> None:
    pace = Pace(3, 10, 0, 2.0)
    assert pace.per_minute == 0 and math.isnan(pace.seconds_left)
    assert pace.left == pace.rate("candidate") == ""


def test_items_that_took_no_time() -> None:
    pace = Pace(1, 2, 1, 0.0)  # by a coarse clock
    assert pace.seconds_left == 0 and math.isfinite(pace.per_minute)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.4, "0 s left"),
        (119.4, "119 s left"),
        (119.6, "2 min left"),
        (119.4 * 60, "119 min left"),
        (119.6 * 60, "2.0 h left"),
    ],
)
def test_times_in_words(seconds: float, shown: str) -> None:
    assert time_left(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.05, "1200"), (6.0, "10"), (8.0, "7.5"), (900.0, "0.067")]
)
def test_rates_of_fast_and_slow_work(seconds: float, shown: str) -> None:
    assert Pace(1, 2, 1, seconds).rate("candidate") == f"{shown} candidates/min"
