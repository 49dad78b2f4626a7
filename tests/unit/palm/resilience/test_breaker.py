"""In an outage one request at a time goes out, and nobody is blamed for it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from palm import (
    Breaker,
    BreakerRules,
    Clock,
    ConnectError,
    LocalResourceError,
    RefusedError,
    ServerError,
    ThrottledError,
    TimedOutError,
)

RULES = BreakerRules(failures=3, silence_s=2.0, probe_every_s=1.0)


class Seconds:
    """Goes on only where somebody sleeps, or where it is set."""

    now = 100.0

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
def clock():
    return Seconds()


@pytest.fixture
def breaker(clock):
    return Breaker(RULES, clock=Clock(monotonic=clock, sleep=clock.sleep))


def fail(breaker, times, error=ConnectError):
    errors = [error("x") if error is not ServerError else ServerError(500) for _ in range(times)]
    for each in errors:
        breaker.note(each)
    return errors


def opened(breaker, clock):
    clock.now += 2.0
    fail(breaker, 3)
    assert breaker.is_open
    return breaker


async def test_while_it_is_closed_everybody_goes_at_once(breaker, clock):
    assert [await breaker.enter() for _ in range(5)] == [False] * 5
    assert clock.now == 100.0


@pytest.mark.parametrize("error", [ConnectError, TimedOutError, ServerError])
def test_failures_in_a_row_open_it_once_it_was_silent_for_long_enough(breaker, clock, error):
    fail(breaker, 10, error)
    assert not breaker.is_open
    clock.now += 1.9
    fail(breaker, 1, error)
    assert not breaker.is_open
    clock.now += 0.1
    fail(breaker, 1, error)
    assert breaker.is_open
    assert breaker.openings == 1


def test_a_success_in_between_keeps_it_closed(breaker, clock):
    for _ in range(10):
        clock.now += 1.0
        fail(breaker, 2)
        breaker.note(None)
    assert not breaker.is_open


def test_a_refusal_shows_that_the_gateway_is_there(breaker, clock):
    clock.now += 5.0
    fail(breaker, 2)
    breaker.note(RefusedError(404))
    fail(breaker, 2)
    assert not breaker.is_open


def test_a_throttle_says_neither_up_nor_down(breaker, clock):
    clock.now += 5.0
    fail(breaker, 2)
    breaker.note(ThrottledError(429))
    assert not breaker.is_open
    fail(breaker, 1)
    assert breaker.is_open
    breaker.note(ThrottledError(429))
    assert breaker.is_open


def test_what_this_machine_lacks_says_neither_up_nor_down_and_is_no_questions_fault(breaker, clock):
    clock.now += 5.0
    fail(breaker, 2)
    assert [error.outage for error in fail(breaker, 9, LocalResourceError)] == [True] * 9
    assert not breaker.is_open
    fail(breaker, 1)
    assert breaker.is_open
    fail(breaker, 9, LocalResourceError)
    assert (breaker.is_open, breaker.openings) == (True, 1)


def test_failures_are_the_outages_own_only_from_when_it_is_open(breaker, clock):
    clock.now += 5.0
    assert [error.outage for error in fail(breaker, 5)] == [False, False, True, True, True]


async def test_probes_go_out_one_at_a_time_and_so_far_apart(breaker, clock):
    opened(breaker, clock)
    at, under_way = [], 0

    async def ask():
        nonlocal under_way
        assert await breaker.enter()
        under_way += 1
        assert under_way == 1
        at.append(clock.now)
        await asyncio.sleep(0)
        under_way -= 1
        fail(breaker, 1)
        breaker.leave()

    await asyncio.gather(*(ask() for _ in range(4)))
    assert at == [103.0, 104.0, 105.0, 106.0]


async def test_the_first_success_lets_all_go_on_who_wait(breaker, clock, caplog):
    opened(breaker, clock)
    caplog.set_level(logging.WARNING, "palm")

    async def ask():
        if probe := await breaker.enter():
            breaker.note(None)
            breaker.leave()
        return probe

    probes = await asyncio.gather(*(ask() for _ in range(5)))
    assert probes.count(True) == 1
    assert not breaker.is_open
    assert "answers again after 1 s" in caplog.text


async def test_who_gives_up_waiting_leaves_the_turn_to_the_next(clock):
    breaker = opened(Breaker(RULES, clock=Clock(monotonic=clock)), clock)
    waiting = asyncio.create_task(breaker.enter())
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    clock.now += 1.0
    assert await asyncio.wait_for(breaker.enter(), 1)


def test_the_seconds_that_it_was_open_add_up(breaker, clock):
    assert breaker.open_s == 0.0
    opened(breaker, clock)
    clock.now += 5.0
    assert breaker.open_s == 5.0
    breaker.note(None)
    clock.now += 50.0
    assert breaker.open_s == 5.0
    opened(breaker, clock)
    clock.now += 2.0
    assert breaker.open_s == 7.0
    assert breaker.openings == 2
