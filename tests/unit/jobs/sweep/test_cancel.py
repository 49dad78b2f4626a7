"""When to take no further pairs."""

from __future__ import annotations

import asyncio

import pytest

from jobs.sweep.cancel import Halt, HaltReason, halting_when_over
from tests import virtual


def test_it_is_not_set_at_first():
    halt = Halt()
    assert (halt.is_set(), halt.reason) == (False, None)


async def test_who_waits_goes_on_when_it_is_set():
    halt = Halt()
    waiting = asyncio.create_task(halt.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    halt.set(HaltReason.DEADLINE)
    await asyncio.wait_for(waiting, 1)
    assert (halt.is_set(), halt.reason) == (True, HaltReason.DEADLINE)


def test_a_signal_outdoes_a_deadline_and_not_the_other_way_round():
    for order in (list(HaltReason), list(reversed(HaltReason))):
        halt = Halt()
        for reason in order:
            halt.set(reason)
        assert halt.reason is HaltReason.SIGNAL


def test_a_machine_that_slept_past_the_deadline_halts_within_a_second():
    """Its timers stood still: an hour was to go, and the wall clock shows that it went by."""
    left = [3600.0]

    async def work():
        halt, loop = Halt(), asyncio.get_running_loop()
        with halting_when_over(halt, lambda: left[0]):
            await asyncio.sleep(5.5)
            assert not halt.is_set()
            left[0] = -3.0
            await halt.wait()
        return halt.reason, loop.time()

    (reason, seconds), _ = virtual.run(work())
    assert reason is HaltReason.DEADLINE
    assert 5.5 < seconds <= 6.5


def test_a_deadline_is_kept_to_the_moment():
    async def work():
        halt, loop = Halt(), asyncio.get_running_loop()
        with halting_when_over(halt, lambda: 2.25 - loop.time()):
            await halt.wait()
        return loop.time()

    assert virtual.run(work())[0] == pytest.approx(2.25)


def test_without_a_deadline_nobody_halts():
    async def work():
        halt = Halt()
        with halting_when_over(halt, lambda: None):
            await asyncio.sleep(1e6)
        return halt.is_set()

    assert virtual.run(work())[0] is False
