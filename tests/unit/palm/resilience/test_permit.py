"""What was let through is checked again when it is written: after a stall, or a sleep."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from palm import Clock, Pacer, PacerError
from palm.clock import Expiry
from palm.resilience.pacer import ENDED
from palm.resilience.permit import ConfirmedPermit, Permit
from tests.virtual import run


@dataclass
class Machine:
    """The clocks of a machine; each can be moved alone.

    Attributes:
        slept: Seconds for which the machine slept: only ``elapsed`` and ``wall`` count them.
        set: Seconds by which the wall clock was set.
    """

    slept: float = 0.0
    set: float = 0.0

    def clock(self) -> Clock:
        loop = asyncio.get_running_loop()
        return Clock(
            monotonic=loop.time,
            elapsed=lambda: loop.time() + self.slept,
            wall=lambda: 1e9 + loop.time() + self.slept + self.set,
        )


def stopped(seconds: float) -> None:
    """Let time pass in which nothing runs, as SIGSTOP does."""
    asyncio.get_running_loop()._now += seconds


def leased(machine: Machine, seconds: float) -> Pacer:
    pacer = Pacer(100, clock=machine.clock())
    pacer.lease = Expiry.after(seconds, pacer.clock)
    return pacer


MOVED = {
    "stopped": lambda _: stopped(3),
    "slept": lambda machine: setattr(machine, "slept", 3),
    "set forward": lambda machine: setattr(machine, "set", 3),
}


@pytest.mark.parametrize("how", MOVED)
def test_what_was_let_through_before_the_lease_ended_is_not_written_after_it(how):
    async def test():
        machine = Machine()
        pacer = leased(machine, 3)
        await pacer.acquire()
        permit = Permit(pacer, clock=pacer.clock)
        MOVED[how](machine)
        assert not permit.use()
        waiting = asyncio.ensure_future(permit.renew())
        await asyncio.sleep(60)
        assert not waiting.done()
        pacer.lease = Expiry.after(3, pacer.clock)
        await waiting
        assert permit.use()

    run(test())


def test_nor_is_what_has_waited_a_second_time():
    async def test():
        machine = Machine()
        pacer = leased(machine, 3)
        await pacer.acquire()
        assert pacer.write() is not None
        permit = Permit(pacer, clock=pacer.clock)
        assert not permit.use()
        await permit.renew()
        stopped(3)
        assert not permit.use()
        assert pacer.worst_second == 1

    run(test())


def test_a_clock_that_is_set_back_makes_no_lease_longer():
    async def test():
        machine = Machine()
        pacer = leased(machine, 3)
        machine.set = -3600
        await asyncio.sleep(2.9)
        assert pacer.write() is not None
        await asyncio.sleep(0.1)
        assert pacer.write() is None

    run(test())


def test_nobody_is_let_through_without_a_lease_and_all_are_with_the_next():
    async def test():
        pacer = leased(Machine(), 3)
        pacer.lease = ENDED
        callers = [asyncio.create_task(pacer.acquire()) for _ in range(50)]
        await asyncio.sleep(60)
        assert (pacer.waiting, pacer.granted) == (50, 0)
        pacer.lease = Expiry.after(0.2, pacer.clock)
        await asyncio.sleep(60)
        assert 19 <= pacer.granted <= 1 + (0.2 + 0.010) * 98
        pacer.lease = None
        await asyncio.gather(*callers)
        assert pacer.waiting == 0

    run(test())


def test_without_a_lease_nothing_is_let_through_in_a_forked_process():
    async def test():
        pacer = leased(Machine(), 3)
        pacer.after_fork()
        assert pacer.lease == ENDED
        unlimited = Pacer(100)
        unlimited.after_fork()
        assert unlimited.lease is None

    run(test())


class Lease:
    """A pacer of the caller's own: what it confirms, one after the other."""

    def __init__(self, confirmed):
        self.confirmed, self.acquired = confirmed, 0

    async def acquire(self):
        self.acquired += 1

    def confirm(self):
        value = self.confirmed.pop(0)
        if isinstance(value, Exception):
            raise value
        return value


async def test_a_pacer_of_the_callers_own_is_asked_again():
    times = iter([1.0, 2.0, 3.0])
    lease = Lease([False, True])
    permit = ConfirmedPermit(lease, clock=Clock(monotonic=lambda: next(times)))
    assert not permit.use()
    assert permit.written_at is None
    await permit.renew()
    assert permit.use()
    assert (lease.acquired, permit.granted_at, permit.written_at) == (1, 2.0, 3.0)


async def test_what_goes_wrong_in_it_is_named_by_its_class_only():
    permit = ConfirmedPermit(Lease([RuntimeError("redis://user:hidden@host")]), clock=Clock())
    with pytest.raises(PacerError, match="^the pacer raised RuntimeError$") as caught:
        permit.use()
    assert caught.value.__context__ is None
