"""When to take no further pairs: a deadline, or a signal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

__all__ = ["CancelReason", "CancelToken", "halting_when_over"]

_LOOK_EVERY_S: Final = 1.0


class CancelReason(StrEnum):
    """Why no further pairs are taken."""

    DEADLINE = "deadline"
    SIGNAL = "signal"


class CancelToken:
    """Set once; whoever is under way may finish, nobody begins."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.reason: CancelReason | None = None

    def set(self, reason: CancelReason) -> None:
        """Take no further pairs. A signal outdoes a deadline."""
        if self.reason is None or reason is CancelReason.SIGNAL:
            self.reason = reason
        self._event.set()

    def is_set(self) -> bool:
        """Say whether no further pairs are to be taken."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Wait until it is set."""
        await self._event.wait()


@contextmanager
def halting_when_over(
    cancel: CancelToken, seconds_left: Callable[[], float | None]
) -> Iterator[None]:
    """Halt as soon as no time is left.

    Looked at once a second, since the event loop's timers stand still while the machine sleeps.

    Args:
        cancel: Is set.
        seconds_left: Returns the seconds there are; None: as many as it takes.
    """
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle | None = None

    def look() -> None:
        nonlocal timer
        seconds = seconds_left()
        if seconds is None:
            return
        if seconds <= 0:
            cancel.set(CancelReason.DEADLINE)
            return
        timer = loop.call_later(min(seconds, _LOOK_EVERY_S), look)

    look()
    try:
        yield
    finally:
        if timer is not None:
            timer.cancel()
