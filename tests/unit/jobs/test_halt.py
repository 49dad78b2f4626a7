"""When to take no further pairs."""

from __future__ import annotations

import asyncio

from jobs.halt import Halt, HaltReason


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
