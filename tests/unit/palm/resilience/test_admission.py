"""When a request may be sent, and what its result changes: pacer, adaptive rate and breaker."""

from __future__ import annotations

import asyncio

import pytest

from palm import Adaptation, Breaker, BreakerRules, Clock, ConnectError, Pacer, ThrottledError
from palm.resilience.admission import Admission
from palm.resilience.permit import Permit

RULES = BreakerRules(failures=1, silence_s=0.0, probe_every_s=0.0)


def written(pacer, at=1.0):
    permit = Permit(pacer, clock=Clock(monotonic=lambda: at))
    permit.written_at = at
    return permit


@pytest.fixture
def pacer():
    return Pacer(100)


async def test_a_pacer_of_the_callers_own_is_asked_again_if_it_can_be():
    class Plain:
        async def acquire(self):
            pass

    class Leased(Plain):
        def confirm(self):
            return False

    def may_write(limiter):
        clock = Clock()
        admission = Admission.of(
            rate=None, pacer=limiter, adaptation=None, breaker=None, clock=clock
        )
        return admission.permit(clock).use()

    assert (may_write(Plain()), may_write(Leased())) == (True, False)


async def test_without_any_of_them_a_request_may_be_sent_at_once():
    admission = Admission()
    assert await admission.enter() is False
    admission.leave()


async def test_a_request_takes_a_slot_of_the_pacer(pacer):
    assert await Admission(pacer).enter() is False
    assert pacer.granted == 1


async def test_in_an_outage_a_request_is_a_probe_until_it_leaves():
    breaker = Breaker(RULES)
    admission = Admission(breaker=breaker)
    admission.record(written(None), ConnectError("x"), 1.0)
    assert breaker.is_open
    assert await admission.enter() is True
    waiting = asyncio.create_task(admission.enter())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    admission.leave()
    assert await waiting is True


async def test_a_probe_that_is_cancelled_at_the_pacer_lets_the_next_one_in():
    pacer = Pacer(0.01)
    admission = Admission(pacer, breaker=Breaker(RULES))
    await pacer.acquire()
    admission.record(written(None), ConnectError("x"), 1.0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await admission.enter()
    assert await asyncio.wait_for(admission.breaker.enter(), 1)


@pytest.mark.parametrize(
    ("error", "answers"), [(None, 1), (ThrottledError(429), 0), (ConnectError("x"), 0)]
)
def test_only_what_was_answered_counts_as_an_answer(error, answers):
    admission = Admission()
    admission.record(written(None), error, 1.0)
    assert admission.answers == answers


@pytest.mark.parametrize(("adapts", "pauses"), [(True, 1), (False, 0)])
def test_throttles_slow_down_unless_they_do_not_count(pacer, adapts, pauses):
    admission = Admission(pacer, Adaptation(pacer))
    for _ in range(3):
        admission.record(written(pacer), ThrottledError(429), 1.0, adapts=adapts)
    assert admission.adaptation.pauses == pauses


def test_a_request_that_was_never_written_does_not_change_the_rate(pacer):
    admission = Admission(pacer, Adaptation(pacer))
    for _ in range(3):
        admission.record(Permit(pacer, clock=Clock()), ThrottledError(429), 1.0)
    assert admission.adaptation.pauses == 0
