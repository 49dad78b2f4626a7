"""The thread with an event loop, in which the asynchronous client runs."""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from threading import Lock, Thread, current_thread
from typing import Final, TypeVar

from anyio import CancelScope, run
from anyio.from_thread import BlockingPortal

from palm.client import AsyncPalm
from palm.errors import ClosedError, EventLoopError
from palm.forks import reset_in_child

__all__ = ["LoopThread"]

T = TypeVar("T")

_OWN_THREAD: Final = (
    "a Palm is used in its own thread, where on_attempt and an asynchronous signer run: use "
    "another Palm there"
)


class LoopThread:
    """An event loop in a separate thread, which starts when it is first needed.

    A process that was forked has a thread of its own: the parent's does not exist there.
    """

    def __init__(self, palm: AsyncPalm) -> None:
        self._palm = palm
        self._portal: BlockingPortal | None = None
        self._thread: Thread | None = None
        self._starting = Lock()
        self._stack = ExitStack()
        self._close = weakref.finalize(self, self._stack.close)
        reset_in_child(self)

    def after_fork(self) -> None:
        """Forget the parent's thread, which cannot be ended from here."""
        is_closed = self._close.detach() is None
        self._portal, self._thread = None, None
        self._starting, self._stack = Lock(), ExitStack()
        self._close = weakref.finalize(self, self._stack.close)
        if is_closed:
            self._close()

    def close(self) -> None:
        """Cancel all requests, close all connections and end; later calls raise ClosedError."""
        with self._starting:
            self._close()

    def call(self, function: Callable[..., Awaitable[T]], *args: object) -> T:
        """Return what ``function(*args)`` returns, awaited in the thread.

        Raises:
            ClosedError: The client is closed, or was closed in the meantime.
            EventLoopError: It is called in the thread itself, which would wait for itself.
        """
        with self._starting:
            if not self._close.alive:
                raise ClosedError
            if self._portal is None:
                self._portal, self._thread = _start(self._stack)
                self._stack.callback(_stop, self._portal, self._palm)
        if current_thread() is self._thread:
            raise EventLoopError(_OWN_THREAD)
        try:
            future = self._portal.start_task_soon(_contained, function, *args)
        except RuntimeError:  # its thread has ended in the meantime
            raise ClosedError from None
        try:
            outcome: T | _Exit = future.result()
        except CancelledError:
            raise ClosedError from None
        finally:
            future.cancel()  # if the wait was interrupted; otherwise it is done already
        if isinstance(outcome, _Exit):
            raise outcome.error
        return outcome


@dataclass(frozen=True, slots=True)
class _Exit:
    """An exception with which code of the caller's wants to end the program."""

    error: BaseException


async def _contained(function: Callable[..., Awaitable[T]], *args: object) -> T | _Exit:
    """Return what a function returns; what would end the thread's event loop is returned, too.

    The thread serves the calls of all threads, and ends only when the client is closed.
    """
    try:
        return await function(*args)
    except (KeyboardInterrupt, SystemExit) as error:
        return _Exit(error)


def _start(stack: ExitStack) -> tuple[BlockingPortal, Thread]:
    """Start a thread with an event loop, which ``stack`` waits for when it is closed.

    anyio's own context manager would try to end the parent's thread when a forked process deletes
    it, and would wait for that without end.
    """
    started: Future[BlockingPortal] = Future()
    thread = Thread(target=run, args=(_serve, started), name="palm", daemon=True)
    thread.start()
    stack.callback(thread.join)
    return started.result(), thread


async def _serve(started: Future[BlockingPortal]) -> None:
    async with BlockingPortal() as portal:
        started.set_result(portal)
        await portal.sleep_until_stopped()


def _stop(portal: BlockingPortal, palm: AsyncPalm) -> None:
    with suppress(RuntimeError):  # its thread has ended before
        portal.call(_end, portal, palm)


async def _end(portal: BlockingPortal, palm: AsyncPalm) -> None:
    """Cancel all requests, then close all connections."""
    await portal.stop(cancel_remaining=True)
    with CancelScope(shield=True):
        await palm.close()
