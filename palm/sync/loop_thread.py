"""The thread with an event loop, in which the asynchronous client runs."""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack
from threading import Lock, Thread
from typing import TypeVar

from anyio import CancelScope, run
from anyio.from_thread import BlockingPortal

from palm.client import AsyncPalm
from palm.errors import ClosedError
from palm.forks import reset_in_child

__all__ = ["LoopThread"]

T = TypeVar("T")


class LoopThread:
    """An event loop in a separate thread, which starts when it is first needed.

    A process that was forked has a thread of its own: the parent's does not exist there.
    """

    def __init__(self, palm: AsyncPalm) -> None:
        self._palm = palm
        self._portal: BlockingPortal | None = None
        self._starting = Lock()
        self._stack = ExitStack()
        self._close = weakref.finalize(self, self._stack.close)
        reset_in_child(self)

    def after_fork(self) -> None:
        """Forget the parent's thread, which cannot be ended from here."""
        is_closed = self._close.detach() is None
        self._portal, self._starting, self._stack = None, Lock(), ExitStack()
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
        """
        with self._starting:
            if not self._close.alive:
                raise ClosedError
            if self._portal is None:
                self._portal = _start(self._stack)
                self._stack.callback(self._portal.call, _end, self._portal, self._palm)
        future = self._portal.start_task_soon(function, *args)
        try:
            return future.result()
        except CancelledError:
            raise ClosedError from None
        finally:
            future.cancel()  # if the wait was interrupted; otherwise it is done already


def _start(stack: ExitStack) -> BlockingPortal:
    """Start a thread with an event loop, which ``stack`` waits for when it is closed.

    anyio's own context manager would try to end the parent's thread when a forked process deletes
    it, and would wait for that without end.
    """
    started: Future[BlockingPortal] = Future()
    thread = Thread(target=run, args=(_serve, started), name="palm", daemon=True)
    thread.start()
    stack.callback(thread.join)
    return started.result()


async def _serve(started: Future[BlockingPortal]) -> None:
    async with BlockingPortal() as portal:
        started.set_result(portal)
        await portal.sleep_until_stopped()


async def _end(portal: BlockingPortal, palm: AsyncPalm) -> None:
    """Cancel all requests, then close all connections."""
    await portal.stop(cancel_remaining=True)
    with CancelScope(shield=True):
        await palm.close()
