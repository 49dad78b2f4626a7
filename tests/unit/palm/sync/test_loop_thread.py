"""The thread of a synchronous client serves all others: none of them can end it, or wait in it."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from palm import AsyncPalm, ClosedError, EventLoopError
from palm.sync.loop_thread import LoopThread


@pytest.fixture
def thread(keys):
    started = LoopThread(AsyncPalm(merchant=keys.merchant(), keys=keys.platform_keys()))
    yield started
    started.close()


async def who() -> str:
    return threading.current_thread().name


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_an_exit_reaches_the_caller_and_the_thread_goes_on(thread, kind):
    async def leave():
        raise kind(3)

    with pytest.raises(kind, match="3"):
        thread.call(leave)
    assert thread.call(who) == "palm"


def test_a_call_from_the_thread_itself_is_refused(thread):
    """It would wait for itself."""

    async def call_again():
        return thread.call(who)

    with pytest.raises(EventLoopError, match="in its own thread, where on_attempt .* another Palm"):
        thread.call(call_again)
    assert thread.call(who) == "palm"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ended_nevertheless_is_closed(thread):
    """A task that nobody awaits can end it, as it would end any program with an event loop."""

    async def leave():
        sys.exit()

    async def let_leave():
        thread.task = asyncio.create_task(leave())
        await asyncio.sleep(5)

    with pytest.raises(ClosedError):
        thread.call(let_leave)
    with pytest.raises(ClosedError):
        thread.call(who)
    assert isinstance(thread.task.exception(), SystemExit)
