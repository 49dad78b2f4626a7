"""How many requests of a client are in flight at a time: each has a connection of its own."""

from __future__ import annotations

import asyncio
import sys
from types import TracebackType
from typing import Final

from palm.forks import reset_in_child

__all__ = ["ConnectionLimit", "default_connections"]

_MOST: Final = 1_000_000
"""The default if the number of open files has no limit."""
_ON_WINDOWS: Final = 256
"""The default where a process cannot ask for its limit."""


def default_connections() -> int:
    """Return half of the files that this process may open at a time, at least 1.

    The other half is for the rest of the program, and for connections that are idle.
    """
    if sys.platform == "win32":
        return _ON_WINDOWS
    import resource  # noqa: PLC0415 - Windows has no such module

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if soft == resource.RLIM_INFINITY else min(_MOST, max(1, soft // 2))


class ConnectionLimit:
    """An async context manager for each request: no more than ``most`` are inside at a time.

    The others wait, in the order of their arrival.

    Args:
        most: How many; None: as :func:`default_connections` says.

    Attributes:
        most: How many.
    """

    def __init__(self, most: int | None = None) -> None:
        self.most: int = default_connections() if most is None else most
        self._semaphore = asyncio.Semaphore(self.most)
        reset_in_child(self)

    def after_fork(self) -> None:
        """Forget the requests of the parent."""
        self._semaphore = asyncio.Semaphore(self.most)

    async def __aenter__(self) -> None:
        await self._semaphore.acquire()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._semaphore.release()
