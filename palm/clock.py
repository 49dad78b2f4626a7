"""The clock that a client and its parts share: they read the time and wait through one value.

May import nothing of the project.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal, Self

__all__ = ["Clock", "Expiry", "ReadTime", "Sleep", "checked_clock", "elapsed_seconds"]

ReadTime = Callable[[], float]
"""Returns the seconds that a clock shows."""
Sleep = Callable[[float], Awaitable[None]]
"""Waits for a number of seconds."""


def elapsed_seconds() -> float:
    """Return seconds on a clock that never goes back and does not stop while the machine sleeps."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)  # only Linux has it
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


async def _sleep(seconds: float) -> None:
    """Wait as :func:`asyncio.sleep` does, which is imported late so that ``--help`` is quick."""
    from asyncio import sleep  # noqa: PLC0415

    await sleep(seconds)


@dataclass(frozen=True, slots=True)
class Clock:
    """Functions that read the time and that wait.

    Tests replace them, and then wait for nothing.

    Attributes:
        wall: Returns the Unix time in seconds. It jumps when the machine's clock is set.
        monotonic: Returns seconds on a clock that never goes back. It may stop while the machine
            sleeps.
        elapsed: Returns seconds on a clock that never goes back and does not stop while the machine
            sleeps.
        sleep: Waits for a number of seconds.
    """

    wall: ReadTime = time.time
    monotonic: ReadTime = time.monotonic
    elapsed: ReadTime = elapsed_seconds
    sleep: Sleep = _sleep


@dataclass(frozen=True, slots=True)
class Expiry:
    """A moment on two clocks, which has passed as soon as one of them shows it.

    One clock alone is not enough: the wall clock may be set back, and the other one does not run
    while a virtual machine is suspended.

    Attributes:
        elapsed: The moment on a clock's ``elapsed``, in seconds.
        wall: The moment on the same clock's ``wall``, in Unix seconds.
    """

    elapsed: float
    wall: float

    @classmethod
    def after(cls, seconds: float, clock: Clock) -> Self:
        """Return the moment in a number of seconds from now."""
        return cls(clock.elapsed() + seconds, clock.wall() + seconds)

    def has_passed(self, clock: Clock) -> bool:
        """Return True if one of the two clocks shows the moment or a later one."""
        return clock.elapsed() >= self.elapsed or clock.wall() >= self.wall


def checked_clock(
    clock: Clock | ReadTime | None,
    *,
    reading: Literal["wall", "monotonic"],
    monotonic: ReadTime | None = None,
    sleep: Sleep | None = None,
) -> Clock:
    """Return the clock of a constructor that took functions instead of one in version 0.1.

    Args:
        clock: The constructor's argument. A function replaces ``reading``, with a warning.
        reading: Name of the attribute that a function replaces.
        monotonic: Replaces the attribute of this name, with a warning; None: it was not passed.
        sleep: Replaces the attribute of this name, with a warning; None: it was not passed.
    """
    wall = None
    if clock is not None and not isinstance(clock, Clock):
        wall, monotonic = (clock, monotonic) if reading == "wall" else (None, clock)
        clock = None
    clock = clock or Clock()
    passed = {"wall": wall, "monotonic": monotonic, "sleep": sleep}
    if names := [name for name, function in passed.items() if function is not None]:
        written = ", ".join(f"{name}=…" for name in names)
        warnings.warn(
            f"pass one clock=palm.Clock({written}) instead of functions that read the time",
            DeprecationWarning,
            stacklevel=3,
        )
        return replace(
            clock,
            wall=wall or clock.wall,
            monotonic=monotonic or clock.monotonic,
            sleep=sleep or clock.sleep,
        )
    return clock
