"""The first few pairs, asked before all others so that a fault common to all is noticed early."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import chain, islice

from palm import PalmError

__all__ = ["Canary"]


class Canary:
    """Asks about a few pairs; those without an outcome after some time are joined by others.

    Args:
        settle: Asks about the pair at an index; returns its error, or None for a good answer.
        indexes: Of the pairs that may be asked, in their order.
        size: How many outcomes are wanted.
        most: Queries in flight at most.
        replace_s: Pairs without an outcome after this many seconds are joined by as many others.
    """

    def __init__(
        self,
        settle: Callable[[int], Awaitable[PalmError | None]],
        indexes: Iterable[int],
        *,
        size: int,
        most: int,
        replace_s: float,
    ) -> None:
        self._settle = settle
        self._indexes = iter(indexes)
        self._size = size
        self._most = max(size, most)
        self._replace_s = replace_s
        self._in_flight: dict[asyncio.Task[PalmError | None], int] = {}

    @property
    def in_flight(self) -> list[asyncio.Task[PalmError | None]]:
        """The queries without an outcome so far; the caller must await them."""
        return list(self._in_flight)

    async def outcomes(self) -> dict[int, PalmError | None]:
        """Return the first ``size`` outcomes by index, or fewer if there are fewer pairs.

        Raises:
            Exception: What ``settle`` raised; no query is in flight then.
        """
        outcomes: dict[int, PalmError | None] = {}
        clock = asyncio.get_running_loop().time
        try:
            self._start(self._size)
            replace_at = clock() + self._replace_s
            while self._in_flight and len(outcomes) < self._size:
                done, _ = await asyncio.wait(
                    self._in_flight,
                    timeout=max(0.0, replace_at - clock()),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for task in done:
                    outcomes[self._in_flight.pop(task)] = task.result()
                if not done:
                    self._start(self._size - len(outcomes))
                    replace_at = clock() + self._replace_s
        except BaseException:
            await self.cancel()
            raise
        return outcomes

    def repeat(self, indexes: Iterable[int]) -> None:
        """Ask these pairs again, before any other."""
        self._indexes = chain(indexes, self._indexes)

    async def cancel(self) -> None:
        """Cancel the queries in flight."""
        tasks = self.in_flight
        self._in_flight.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, count: int) -> None:
        for index in islice(self._indexes, min(count, self._most - len(self._in_flight))):
            self._in_flight[asyncio.ensure_future(self._settle(index))] = index
