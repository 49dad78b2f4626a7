"""A timer in an event loop, set from any thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["LoopTimer", "running_loop"]


class LoopTimer:
    """A call in an event loop, set from any thread.

    Args:
        loop: The loop.
        delay: Seconds until the call, if the loop is this thread's; otherwise the call comes at
            once, and sets another timer if it is too early.
        wake: What is called, with the timer.

    Raises:
        RuntimeError: The loop is closed.
    """

    __slots__ = ("_handle", "loop")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, delay: float, wake: Callable[[LoopTimer], None]
    ) -> None:
        self.loop: asyncio.AbstractEventLoop = loop
        self._handle: asyncio.TimerHandle | None = None
        if loop is running_loop():
            self._handle = loop.call_later(delay, wake, self)
        else:
            loop.call_soon_threadsafe(wake, self)

    def cancel(self) -> None:
        """Cancel the call if this is its loop's thread; in another one it comes, and is ignored."""
        if self._handle is not None and self.loop is running_loop():
            self._handle.cancel()


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs in this thread, or None."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
