"""When to take no further pairs: a deadline, or a signal."""

from __future__ import annotations

import asyncio
from enum import StrEnum

__all__ = ["Halt", "HaltReason"]


class HaltReason(StrEnum):
    """Why no further pairs are taken."""

    DEADLINE = "deadline"
    SIGNAL = "signal"


class Halt:
    """Set once; whoever is under way may finish, nobody begins."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.reason: HaltReason | None = None

    def set(self, reason: HaltReason) -> None:
        """Take no further pairs. A signal outdoes a deadline."""
        if self.reason is None or reason is HaltReason.SIGNAL:
            self.reason = reason
        self._event.set()

    def is_set(self) -> bool:
        """Say whether no further pairs are to be taken."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Wait until it is set."""
        await self._event.wait()
