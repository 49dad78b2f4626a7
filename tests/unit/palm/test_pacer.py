"""The pacer within an event loop: who goes when, on a clock that only timers move."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest
import uvloop

from palm.pacer import Pacer, Spacing

INTERVAL = 1 / 98  # at a rate of 100 a second


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer as soon as nothing else is to do."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self.timers = 0

    def time(self) -> float:
        return self._now

    def call_at(self, when, callback, *args, context=None):
        self.timers += 1
        return super().call_at(when, callback, *args, context=context)

    def pending(self) -> int:
        return sum(not handle.cancelled() for handle in self._scheduled)

    def _run_once(self) -> None:
        if not self._ready and self.pending():
            self._now = max(self._now, min(h.when() for h in self._scheduled if not h.cancelled()))
        super()._run_once()


def virtual(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """Run a test in a loop in which waiting takes no time."""

    def run() -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(asyncio.wait_for(test(), 10_000))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


def now() -> float:
    return asyncio.get_running_loop().time()


class Crowd:
    """Callers that come in order, and when each went."""

    def __init__(self, pacer: Pacer, size: int) -> None:
        self.went: dict[int, float] = {}
        self.tasks = [asyncio.create_task(self._go(pacer, n)) for n in range(size)]

    async def _go(self, pacer: Pacer, number: int) -> None:
        await pacer.acquire()
        self.went[number] = now()

    async def all(self) -> list[float]:
        await asyncio.gather(*self.tasks, return_exceptions=True)
        return list(self.went.values())


# --- pace


@virtual
async def test_the_first_goes_at_once_and_all_others_evenly_spaced():
    times = await Crowd(Pacer(100), 500).all()
    assert times[0] == 0
    assert [b - a for a, b in pairwise(times)] == pytest.approx([INTERVAL] * 499)


@virtual
async def test_no_burst_follows_idle_time():
    pacer = Pacer(100)
    await pacer.acquire()
    await asyncio.sleep(60)
    times = await Crowd(pacer, 10).all()
    assert [b - a for a, b in pairwise(times)] == pytest.approx([INTERVAL] * 9)


@virtual
async def test_no_burst_follows_a_pause():
    pacer = Pacer(100)
    crowd = Crowd(pacer, 10)
    await asyncio.sleep(INTERVAL / 2)
    pacer.pause(30)
    times = await crowd.all()
    assert times[0] == 0
    assert times[1] == pytest.approx(30 + INTERVAL / 2)
    assert [b - a for a, b in pairwise(times[1:])] == pytest.approx([INTERVAL] * 8)


@virtual
async def test_the_share_of_the_quota_can_be_chosen():
    times = await Crowd(Pacer(100, share=0.5), 11).all()
    assert times[-1] == pytest.approx(0.2)


@virtual
async def test_what_was_let_through_is_counted():
    pacer = Pacer(10)
    await Crowd(pacer, 30).all()
    assert (pacer.granted, pacer.waiting, pacer.worst_second, pacer.rate) == (30, 0, 10, 10)


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_is_no_rate_is_refused(rate):
    with pytest.raises(ValueError, match="a rate must be a number above 0, not"):
        Pacer(rate)


def test_less_than_one_a_second_is_a_rate_too():
    spacing = Spacing(0.1, share=1.0)
    spacing.grant(0.0)
    assert spacing.earliest(5.0) == 10.0


# --- order


@virtual
async def test_first_come_first_served():
    crowd = Crowd(Pacer(1000), 200)
    await crowd.all()
    assert list(crowd.went) == list(range(200))


@virtual
async def test_whoever_comes_later_does_not_overtake_those_who_wait():
    pacer = Pacer(100)
    early = Crowd(pacer, 3)
    await asyncio.sleep(0)
    asyncio.get_running_loop()._now += 2 * INTERVAL  # slots are due, and no timer has fired yet
    late = Crowd(pacer, 1)
    await early.all()
    await late.all()
    assert late.went[0] > max(early.went.values())


@virtual
async def test_one_timer_runs_however_many_wait():
    loop = asyncio.get_running_loop()
    others = loop.pending()
    crowd = Crowd(Pacer(100), 1000)
    await asyncio.sleep(0)
    assert loop.pending() == others + 1
    before = loop.timers
    await crowd.all()
    assert loop.timers - before <= 1000
    assert loop.pending() == others


# --- cancellation


@virtual
async def test_those_who_leave_while_waiting_cost_nothing():
    pacer = Pacer(100)
    crowd = Crowd(pacer, 102)
    await asyncio.sleep(0)
    for task in crowd.tasks[1:-1]:
        task.cancel()
    await crowd.all()
    assert crowd.went == {0: 0, 101: pytest.approx(INTERVAL)}
    assert (pacer.granted, pacer.waiting) == (2, 0)


@virtual
async def test_the_last_one_to_leave_leaves_the_pacer_ready():
    pacer = Pacer(100)
    crowd = Crowd(pacer, 2)
    await asyncio.sleep(0)
    crowd.tasks[1].cancel()
    await crowd.all()
    await asyncio.sleep(1)
    await pacer.acquire()
    assert (now(), pacer.granted) == (1, 2)


def leave_when_granted(pacer: Pacer, task: asyncio.Task[None]) -> None:
    """Cancel a task between the moment it is let through and the moment it runs."""
    wake = pacer._wake

    def wake_and_cancel() -> None:
        wake()
        if not task.done():
            task.cancel()

    pacer._wake = wake_and_cancel  # type: ignore[method-assign]


@virtual
async def test_one_who_leaves_just_after_being_let_through_hands_the_slot_on():
    pacer = Pacer(100)
    await pacer.acquire()
    crowd = Crowd(pacer, 3)
    leave_when_granted(pacer, crowd.tasks[0])
    times = await crowd.all()
    assert list(crowd.went) == [1, 2]
    assert times == pytest.approx([INTERVAL, 2 * INTERVAL])
    assert pacer.granted == 3


@virtual
async def test_one_who_leaves_just_after_being_let_through_gives_the_slot_back():
    pacer = Pacer(100)
    await pacer.acquire()
    crowd = Crowd(pacer, 1)
    leave_when_granted(pacer, crowd.tasks[0])
    await crowd.all()
    assert pacer.granted == 1
    await pacer.acquire()
    assert now() == pytest.approx(INTERVAL)
    assert pacer.granted == 2


@virtual
async def test_a_slot_is_never_handed_to_one_who_has_left():
    pacer = Pacer(100)
    await pacer.acquire()
    crowd = Crowd(pacer, 4)
    await asyncio.sleep(0)
    for task in crowd.tasks[:3]:
        task.cancel()
    await crowd.all()
    assert crowd.went == {3: pytest.approx(INTERVAL)}


@virtual
async def test_a_caller_that_is_timed_out_leaves_no_trace():
    pacer = Pacer(0.01)
    await pacer.acquire()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await pacer.acquire()
    pacer.rate = 100
    await pacer.acquire()
    assert now() == pytest.approx(1, abs=0.002)
    assert pacer.granted == 2


# --- changes of pace


@virtual
async def test_a_higher_rate_acts_at_once_on_those_who_wait():
    pacer = Pacer(0.1)
    crowd = Crowd(pacer, 3)
    await asyncio.sleep(1)
    pacer.rate = 100
    times = await crowd.all()
    assert times == pytest.approx([0, 1, 1 + INTERVAL], abs=0.0101)


@virtual
async def test_a_lower_rate_acts_at_once_on_those_who_wait():
    pacer = Pacer(100)
    crowd = Crowd(pacer, 3)
    await asyncio.sleep(INTERVAL / 2)
    pacer.rate = 0.1
    times = await crowd.all()
    assert times == pytest.approx([0, 10 / 0.98, 20 / 0.98])


@virtual
async def test_a_pause_holds_back_those_who_come_while_it_lasts():
    pacer = Pacer(100)
    pacer.pause(5)
    await asyncio.sleep(1)
    await pacer.acquire()
    assert now() == pytest.approx(5)


@virtual
async def test_a_shorter_pause_does_not_end_a_longer_one():
    pacer = Pacer(100)
    pacer.pause(5)
    pacer.pause(1)
    await pacer.acquire()
    assert now() == pytest.approx(5)


@virtual
async def test_a_lower_rate_counts_what_went_in_the_second_before():
    pacer = Pacer(100)
    await Crowd(pacer, 50).all()
    begin = now()
    pacer.rate = 40
    await pacer.acquire()
    assert now() - begin == pytest.approx(1 - 39 * INTERVAL)


@virtual
async def test_changing_the_pace_while_nobody_waits_starts_no_timer():
    loop = asyncio.get_running_loop()
    others, pacer = loop.pending(), Pacer(100)
    pacer.rate = 50
    pacer.pause(3)
    assert loop.pending() == others


def test_the_clock_can_be_given():
    pacer = Pacer(100, clock=lambda: 12345.0)

    async def twice():
        await pacer.acquire()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await pacer.acquire()  # on that clock, the next slot never comes

    asyncio.run(twice())
    assert pacer.granted == 1


# --- real clocks


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize(("rate", "callers"), [(300, 150), (8, 4)])
def test_waiting_does_not_spin(factory, rate, callers):
    """Timers fire a few times for each caller, though uvloop's count whole milliseconds only."""
    pacer = Pacer(rate)
    wake, wakes = pacer._wake, []
    pacer._wake = lambda: (wakes.append(1), wake())  # type: ignore[method-assign]

    async def run():
        await Crowd(pacer, callers).all()

    with asyncio.Runner(loop_factory=factory) as runner:
        began = time.process_time()
        runner.run(run())
        spent = time.process_time() - began
    assert callers - 1 <= len(wakes) + callers // 2
    assert len(wakes) <= 3 * callers
    assert spent < 0.3


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_real_second_holds_no_more_than_the_quota_and_nearly_all_of_it(factory):
    pacer = Pacer(300)
    times: list[float] = []

    async def run():
        async def work():
            while len(times) < 330:
                await pacer.acquire()
                times.append(time.monotonic())

        await asyncio.gather(*(work() for _ in range(40)))

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(run())
    assert pacer.worst_second <= 300
    assert (len(times) - 1) / (times[-1] - times[0]) == pytest.approx(294, rel=0.08)
