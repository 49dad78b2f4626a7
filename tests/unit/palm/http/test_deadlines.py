"""Deadlines end what takes too long, and nothing else, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from palm.http.deadlines import Deadline, Deadlines
from tests.virtual import run


def now():
    return asyncio.get_running_loop().time()


async def takes(deadlines, seconds):
    """Return whether it was done in time, and when it ended."""
    try:
        with Deadline(deadlines):
            await asyncio.sleep(seconds)
    except TimeoutError:
        return False, now()
    return True, now()


def test_what_takes_too_long_is_ended_and_all_else_is_not():
    async def work():
        deadlines = Deadlines(15.0)
        first = [asyncio.create_task(takes(deadlines, seconds)) for seconds in (1, 14.9, 15.1, 99)]
        await asyncio.sleep(5)
        later = [asyncio.create_task(takes(deadlines, seconds)) for seconds in (12, 99)]
        return await asyncio.gather(*first, *later)

    ended, _ = run(work())
    assert ended == [(True, 1), (True, 14.9), (False, 15), (False, 15), (True, 17), (False, 20)]


def test_one_timer_does_for_all(monkeypatch):
    timers = []

    async def work():
        loop, deadlines = asyncio.get_running_loop(), Deadlines(15.0)
        call_at = loop.call_at

        def noted(when, callback, *args, **options):
            if callback == deadlines._expire:
                timers.append(when)
            return call_at(when, callback, *args, **options)

        monkeypatch.setattr(loop, "call_at", noted)
        for _ in range(100):
            await asyncio.gather(*(takes(deadlines, 0.5) for _ in range(10)))

    _, took = run(work())
    assert took == pytest.approx(50)
    assert len(timers) <= 5


def test_the_time_stands_still_during_a_pause_and_begins_anew_after_it():
    async def work():
        with pytest.raises(TimeoutError), Deadline(Deadlines(2.0)) as deadline:
            await asyncio.sleep(1.5)
            deadline.pause()
            await asyncio.sleep(100)
            deadline.restart()
            await asyncio.sleep(1.9)
            assert now() == pytest.approx(103.4)
            await asyncio.sleep(99)
        return now()

    ended, _ = run(work())
    assert ended == pytest.approx(103.5)


def test_one_that_is_cancelled_by_others_is_no_timeout():
    async def work():
        task = asyncio.create_task(takes(Deadlines(2.0), 99))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(work())


@pytest.mark.parametrize("first", ["deadline", "others"])
def test_one_that_is_cancelled_at_the_same_moment_stays_cancelled(first):
    async def work():
        loop, deadlines = asyncio.get_running_loop(), Deadlines(2.0)
        task = asyncio.create_task(takes(deadlines, 99))
        await asyncio.sleep(0)
        order = [deadlines._expire.__get__(deadlines), lambda _: task.cancel()]
        loop._now += 2
        for act in order if first == "deadline" else order[::-1]:
            act(loop)
        with pytest.raises(asyncio.CancelledError):
            await task

    run(work())


def test_an_outer_timeout_is_not_mistaken_for_the_deadline():
    async def work():
        deadlines = Deadlines(20.0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                with Deadline(deadlines):
                    await asyncio.sleep(99)
        assert now() == 1
        assert await takes(deadlines, 5) == (True, 6)

    run(work())


def test_an_error_of_its_own_passes():
    async def work():
        with pytest.raises(KeyError), Deadline(Deadlines(1.0)):
            raise KeyError

    run(work())


def test_what_is_closed_ends_nobody():
    async def work():
        deadlines = Deadlines(1.0)
        task = asyncio.create_task(takes(deadlines, 5))
        await asyncio.sleep(0)
        deadlines.close()
        return await task

    ended, _ = run(work())
    assert ended == (True, 5)
