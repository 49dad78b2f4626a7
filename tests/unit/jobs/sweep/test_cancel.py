"""When to take no further pairs."""

from __future__ import annotations

import asyncio

import pytest

from jobs.sweep.cancel import CancelReason, CancelToken, cancel_when_over
from tests import virtual


def test_it_is_not_set_at_first():
    cancel = CancelToken()
    assert (cancel.is_set(), cancel.reason) == (False, None)


async def test_who_waits_goes_on_when_it_is_set():
    cancel = CancelToken()
    waiting = asyncio.create_task(cancel.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    cancel.set(CancelReason.DEADLINE)
    await asyncio.wait_for(waiting, 1)
    assert (cancel.is_set(), cancel.reason) == (True, CancelReason.DEADLINE)


def test_a_signal_outdoes_a_deadline_and_not_the_other_way_round():
    for order in (list(CancelReason), list(reversed(CancelReason))):
        cancel = CancelToken()
        for reason in order:
            cancel.set(reason)
        assert cancel.reason is CancelReason.SIGNAL


def test_a_machine_that_slept_past_the_deadline_halts_within_a_second():
    """Its timers stood still: an hour was to go, and the wall clock shows that it went by."""
    left = [3600.0]

    async def work():
        cancel, loop = CancelToken(), asyncio.get_running_loop()
        with cancel_when_over(cancel, lambda: left[0]):
            await asyncio.sleep(5.5)
            assert not cancel.is_set()
            left[0] = -3.0
            await cancel.wait()
        return cancel.reason, loop.time()

    (reason, seconds), _ = virtual.run(work())
    assert reason is CancelReason.DEADLINE
    assert 5.5 < seconds <= 6.5


def test_a_deadline_is_kept_to_the_moment():
    async def work():
        cancel, loop = CancelToken(), asyncio.get_running_loop()
        with cancel_when_over(cancel, lambda: 2.25 - loop.time()):
            await cancel.wait()
        return loop.time()

    assert virtual.run(work())[0] == pytest.approx(2.25)


def test_without_a_deadline_nobody_halts():
    async def work():
        cancel = CancelToken()
        with cancel_when_over(cancel, lambda: None):
            await asyncio.sleep(1e6)
        return cancel.is_set()

    assert virtual.run(work())[0] is False
