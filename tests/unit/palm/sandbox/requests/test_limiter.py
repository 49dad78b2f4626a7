"""The quota, by a simulated clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palm.clock import Clock
from palm.sandbox import SlidingWindow

GAPS = st.lists(st.integers(0, 800).map(lambda ms: ms / 1024), max_size=200)


class Moment:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(GAPS, st.integers(0, 8))
def test_no_second_has_more_than_the_limit_and_nobody_is_refused_without_need(gaps, limit):
    clock = Moment()
    limiter = SlidingWindow(limit, clock=Clock(monotonic=clock))
    passed: list[float] = []
    for gap in gaps:
        clock.now += gap
        allowed = limiter.allow()
        # Those of the second that ends now, the one that began exactly a second ago not included.
        assert allowed == (sum(clock.now - t < 1 for t in passed) < limit)
        if allowed:
            passed.append(clock.now)
    for start in passed:
        assert sum(start <= t < start + 1 for t in passed) <= limit


def test_a_full_second_later_there_is_room_again():
    clock = Moment()
    limiter = SlidingWindow(2, clock=Clock(monotonic=clock))
    assert [limiter.allow() for _ in range(3)] == [True, True, False]
    clock.now += 0.999
    assert not limiter.allow()
    clock.now += 0.001
    assert limiter.allow()


def test_those_refused_do_not_count():
    clock = Moment()
    limiter = SlidingWindow(1, clock=Clock(monotonic=clock))
    limiter.allow()
    for _ in range(9):
        clock.now += 0.1
        assert not limiter.allow()
    clock.now += 0.125
    assert limiter.allow()


def test_a_new_limit_holds_for_the_second_that_lies_behind_too():
    clock = Moment()
    limiter = SlidingWindow(clock=Clock(monotonic=clock))
    assert all(limiter.allow() for _ in range(100))
    limiter.limit = 100
    assert not limiter.allow()
    limiter.limit = 101
    assert limiter.allow()


def test_a_function_as_clock_still_works_with_a_warning():
    clock = Moment()
    with pytest.warns(DeprecationWarning, match="Clock"):
        limiter = SlidingWindow(1, clock=clock)
    assert [limiter.allow(), limiter.allow()] == [True, False]
    clock.now += 1
    assert limiter.allow()
