"""Limits how long a request may take, as :func:`asyncio.timeout` does, with one timer for many.

A timer for each request would cost time and almost never fire. Requests with the same limit end in
the order in which they began, so that a single timer, set for the first of them, is enough.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

__all__ = ["RequestTimer", "TimerQueue"]


class TimerQueue:
    """The running request timers of one duration. To be used within one event loop.

    Args:
        seconds: How long each request may take.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends: dict[RequestTimer, float] = {}
        self._handle: asyncio.TimerHandle | None = None

    def start(self, timer: RequestTimer) -> None:
        """Start a timer, or start it again from the beginning."""
        loop = asyncio.get_running_loop()
        self._ends.pop(timer, None)
        self._ends[timer] = end = loop.time() + self.seconds
        if self._handle is None:
            self._handle = loop.call_at(end, self._expire, loop)

    def stop(self, timer: RequestTimer) -> None:
        """Stop a timer."""
        self._ends.pop(timer, None)

    def close(self) -> None:
        """Stop all timers."""
        self._ends.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._handle = None
        now = loop.time()
        for timer, end in list(self._ends.items()):
            if end > now:
                self._handle = loop.call_at(end, self._expire, loop)
                return
            del self._ends[timer]
            timer.expire()


class RequestTimer:
    """A context manager that raises TimeoutError if its block takes too long.

    Args:
        queue: The timers of the same duration.
    """

    __slots__ = ("_cancelling", "_has_expired", "_queue", "_task")

    def __init__(self, queue: TimerQueue) -> None:
        self._queue = queue
        self._has_expired = False

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a request timer works only in an asyncio task")
        self._task, self._cancelling = task, task.cancelling()
        self._queue.start(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._queue.stop(self)
        if (
            self._has_expired
            and self._task.uncancel() <= self._cancelling
            and kind is asyncio.CancelledError
        ):
            raise TimeoutError from error

    def pause(self) -> None:
        """Stop counting."""
        self._queue.stop(self)

    def restart(self) -> None:
        """Count again, from the beginning."""
        self._queue.start(self)

    def expire(self) -> None:
        """Cancel what the task waits for."""
        self._has_expired = True
        self._task.cancel()
