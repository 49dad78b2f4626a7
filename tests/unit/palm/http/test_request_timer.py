"""Request timers end what takes too long, and nothing else, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from palm.http.request_timer import RequestTimer, TimerQueue
from tests.virtual import VirtualLoop, run


def now():
    return asyncio.get_running_loop().time()


async def takes(queue, seconds):
    """Return whether it was done in time, and when it ended."""
    try:
        with RequestTimer(queue):
            await asyncio.sleep(seconds)
    except TimeoutError:
        return False, now()
    return True, now()


def test_what_takes_too_long_is_ended_and_all_else_is_not():
    async def work():
        queue = TimerQueue(15.0)
        first = [asyncio.create_task(takes(queue, seconds)) for seconds in (1, 14.9, 15.1, 99)]
        await asyncio.sleep(5)
        later = [asyncio.create_task(takes(queue, seconds)) for seconds in (12, 99)]
        return await asyncio.gather(*first, *later)

    ended, _ = run(work())
    assert ended == [(True, 1), (True, 14.9), (False, 15), (False, 15), (True, 17), (False, 20)]


class CountingLoop(VirtualLoop):
    """Counts the timers of a queue; those of the test's own sleeps are others."""

    def __init__(self):
        super().__init__()
        self.timers = 0

    def call_at(self, when, callback, *args, **options):
        self.timers += isinstance(getattr(callback, "__self__", None), TimerQueue)
        return super().call_at(when, callback, *args, **options)


def test_one_timer_does_for_all():
    async def work():
        queue = TimerQueue(15.0)
        for _ in range(100):
            await asyncio.gather(*(takes(queue, 0.5) for _ in range(10)))

    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        runner.run(work())
        assert runner.get_loop().time() == pytest.approx(50)
        assert 1 <= runner.get_loop().timers <= 5


def test_the_time_stands_still_during_a_pause_and_begins_anew_after_it():
    async def work():
        with pytest.raises(TimeoutError), RequestTimer(TimerQueue(2.0)) as timer:
            await asyncio.sleep(1.5)
            timer.pause()
            await asyncio.sleep(100)
            timer.restart()
            await asyncio.sleep(1.9)
            assert now() == pytest.approx(103.4)
            await asyncio.sleep(99)
        return now()

    ended, _ = run(work())
    assert ended == pytest.approx(103.5)


def test_one_that_is_cancelled_by_others_is_no_timeout():
    async def work():
        task = asyncio.create_task(takes(TimerQueue(2.0), 99))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(work())


@pytest.mark.parametrize("first", ["timer", "others"])
def test_one_that_is_cancelled_at_the_same_moment_stays_cancelled(first):
    async def work():
        loop, queue = asyncio.get_running_loop(), TimerQueue(2.0)
        task = asyncio.create_task(takes(queue, 99))
        await asyncio.sleep(0)
        order = [queue._expire.__get__(queue), lambda _: task.cancel()]
        loop._now += 2
        for act in order if first == "timer" else order[::-1]:
            act(loop)
        with pytest.raises(asyncio.CancelledError):
            await task

    run(work())


def test_an_outer_timeout_is_not_mistaken_for_the_deadline():
    async def work():
        queue = TimerQueue(20.0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                with RequestTimer(queue):
                    await asyncio.sleep(99)
        assert now() == 1
        assert await takes(queue, 5) == (True, 6)

    run(work())


def test_an_error_of_its_own_passes():
    async def work():
        with pytest.raises(KeyError), RequestTimer(TimerQueue(1.0)):
            raise KeyError

    run(work())


def test_what_is_closed_ends_nobody():
    async def work():
        queue = TimerQueue(1.0)
        task = asyncio.create_task(takes(queue, 5))
        await asyncio.sleep(0)
        queue.close()
        return await task

    ended, _ = run(work())
    assert ended == (True, 5)
