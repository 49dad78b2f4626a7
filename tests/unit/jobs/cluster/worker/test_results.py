"""A worker's adaptation and breaker count, and do what the command says."""

from __future__ import annotations

import pytest

from jobs.cluster.quota.messages import Counts, Reply
from jobs.cluster.worker.results import CountedBreaker, CountedThrottles, counts_of
from palm import (
    Clock,
    ConnectError,
    LocalResourceError,
    NoStateError,
    Pacer,
    ServerError,
    ThrottledError,
)

REPLY = Reply("a", 1, 5, 5.0, 3.0)


@pytest.fixture
def throttles():
    return CountedThrottles(Pacer(100))


@pytest.fixture
def breaker():
    return CountedBreaker(clock=Clock(monotonic=lambda: 50.0))


def test_throttles_are_counted_and_the_rate_stays(throttles, breaker):
    for number in range(50):
        throttles.answered(sent=1.0, now=2.0, throttled=number < 20, retry_after_s=number / 10)
    assert throttles.pacer.rate == 100
    assert counts_of(throttles, breaker) == Counts(answers=50, throttles=20, retry_after_s=1.9)


def test_after_a_pause_only_what_was_written_later_counts(throttles, breaker):
    throttles.answered(sent=1.0, now=2.0, throttled=True, retry_after_s=9.0)
    throttles.follow(Reply("a", 1, 0, 0.0, 3.0, pauses=1), 5.0)
    throttles.answered(sent=4.9, now=5.1, throttled=True)
    throttles.answered(sent=5.1, now=5.2, throttled=False)
    throttles.follow(Reply("a", 2, 0, 0.0, 3.0, pauses=1), 6.0)
    assert counts_of(throttles, breaker) == Counts(pauses=1, answers=1)


def test_results_are_counted_and_do_not_open_the_breaker(throttles, breaker):
    for error in (
        [ConnectError("none")] * 30 + [None, NoStateError("none")] + [ServerError(502)] * 3
    ):
        breaker.note(error)
    for error in (ThrottledError(429), LocalResourceError("no descriptor")):
        breaker.note(error)
    assert not breaker.is_open
    assert counts_of(throttles, breaker) == Counts(successes=2, failures=33, failures_in_a_row=3)


def test_it_is_open_while_the_command_says_so_and_failures_are_then_an_outages(breaker):
    before, during, after = ServerError(502), ServerError(502), ServerError(502)
    breaker.note(before)
    breaker.follow(Reply("a", 1, 0, 0.0, 3.0, is_outage=True))
    assert breaker.is_open
    breaker.note(during)
    breaker.follow(REPLY)
    assert not breaker.is_open
    breaker.note(after)
    assert [error.outage for error in (before, during, after)] == [False, True, False]
