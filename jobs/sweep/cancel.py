"""When a sweep asks no further pairs: at a deadline, or after a signal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

__all__ = ["CancelReason", "CancelToken", "cancel_when_over"]

_CHECK_EVERY_S: Final = 1.0


class CancelReason(StrEnum):
    """Why no further pairs are asked."""

    DEADLINE = "deadline"
    SIGNAL = "signal"


class CancelToken:
    """Is set once: queries in flight may finish, and none is begun.

    Attributes:
        reason: Why it is set, or None while it is not.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.reason: CancelReason | None = None

    def set(self, reason: CancelReason) -> None:
        """Ask no further pairs. A signal takes the place of a deadline, not the reverse."""
        if self.reason is None or reason is CancelReason.SIGNAL:
            self.reason = reason
        self._event.set()

    def is_set(self) -> bool:
        """Return True if no further pairs are to be asked."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Wait until it is set."""
        await self._event.wait()


@contextmanager
def cancel_when_over(
    cancel: CancelToken, seconds_left: Callable[[], float | None]
) -> Iterator[None]:
    """Set ``cancel`` as soon as no time is left, while the block runs.

    The time is checked once a second, since the event loop's timers stand still while the machine
    sleeps.

    Args:
        cancel: The token to be set.
        seconds_left: Returns the seconds that are left, or None if there is no limit.
    """
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle | None = None

    def check() -> None:
        nonlocal timer
        seconds = seconds_left()
        if seconds is None:
            return
        if seconds <= 0:
            cancel.set(CancelReason.DEADLINE)
            return
        timer = loop.call_later(min(seconds, _CHECK_EVERY_S), check)

    check()
    try:
        yield
    finally:
        if timer is not None:
            timer.cancel()
