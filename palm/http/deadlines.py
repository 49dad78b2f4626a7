"""Ends what takes too long, as :func:`asyncio.timeout` does, with one timer for all.

Each request would set a timer, and nearly all would never fire. All that have the same time end in
the order in which they began, so that the first one's timer does for all.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

__all__ = ["Deadline", "Deadlines"]


class Deadlines:
    """Those that are under way, of one duration. To be used within one event loop.

    Args:
        seconds: What each may take.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends: dict[Deadline, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(self, deadline: Deadline) -> None:
        """Let its time begin, or begin anew."""
        loop = asyncio.get_running_loop()
        self._ends.pop(deadline, None)
        self._ends[deadline] = end = loop.time() + self.seconds
        if self._timer is None:
            self._timer = loop.call_at(end, self._expire, loop)

    def stop(self, deadline: Deadline) -> None:
        """Let its time stand still."""
        self._ends.pop(deadline, None)

    def close(self) -> None:
        """Forget all."""
        self._ends.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for deadline, end in list(self._ends.items()):
            if end > now:
                self._timer = loop.call_at(end, self._expire, loop)
                return
            del self._ends[deadline]
            deadline.expire()


class Deadline:
    """One that is under way: a context manager, which raises TimeoutError when its time is over.

    Args:
        deadlines: Of its duration.
    """

    __slots__ = ("_cancelling", "_deadlines", "_expired", "_task")

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._expired = False

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline needs a task to end")
        self._task, self._cancelling = task, task.cancelling()
        self._deadlines.start(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._deadlines.stop(self)
        if (
            self._expired
            and self._task.uncancel() <= self._cancelling
            and kind is asyncio.CancelledError
        ):
            raise TimeoutError from error

    def pause(self) -> None:
        """Let the time stand still."""
        self._deadlines.stop(self)

    def restart(self) -> None:
        """Let the time begin anew."""
        self._deadlines.start(self)

    def expire(self) -> None:
        """End the task's wait."""
        self._expired = True
        self._task.cancel()
