"""The first few pairs: asked before all others, so that what is wrong for all is seen early."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import chain, islice

from palm import PalmError

__all__ = ["Canary"]


class Canary:
    """Asks about a few pairs; one that does not settle in time is joined by others.

    Args:
        settle: Asks about the pair at a place; returns its error, None: it has a good answer.
        places: Of the pairs that may be asked, in their order.
        size: So many outcomes are wanted.
        most: Questions under way at most.
        replace_s: Those that have not settled after so long are replaced by as many others.
    """

    def __init__(
        self,
        settle: Callable[[int], Awaitable[PalmError | None]],
        places: Iterable[int],
        *,
        size: int,
        most: int,
        replace_s: float,
    ) -> None:
        self._settle = settle
        self._places = iter(places)
        self._size = size
        self._most = max(size, most)
        self._replace_s = replace_s
        self._under_way: dict[asyncio.Task[PalmError | None], int] = {}

    @property
    def under_way(self) -> list[asyncio.Task[PalmError | None]]:
        """The questions that have not settled yet; whoever takes them awaits them."""
        return list(self._under_way)

    async def settled(self) -> dict[int, PalmError | None]:
        """Return the outcomes of the first pairs to settle, by place; fewer where there are fewer.

        Raises:
            Exception: What ``settle`` raised; nothing is under way then.
        """
        outcomes: dict[int, PalmError | None] = {}
        clock = asyncio.get_running_loop().time
        try:
            self._start(self._size)
            replace_at = clock() + self._replace_s
            while self._under_way and len(outcomes) < self._size:
                done, _ = await asyncio.wait(
                    self._under_way,
                    timeout=max(0.0, replace_at - clock()),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for task in done:
                    outcomes[self._under_way.pop(task)] = task.result()
                if not done:
                    self._start(self._size - len(outcomes))
                    replace_at = clock() + self._replace_s
        except BaseException:
            await self.cancel()
            raise
        return outcomes

    def again(self, places: Iterable[int]) -> None:
        """Have these pairs asked once more before any other."""
        self._places = chain(places, self._places)

    async def cancel(self) -> None:
        """End what is under way."""
        tasks = self.under_way
        self._under_way.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, count: int) -> None:
        for place in islice(self._places, min(count, self._most - len(self._under_way))):
            self._under_way[asyncio.ensure_future(self._settle(place))] = place
