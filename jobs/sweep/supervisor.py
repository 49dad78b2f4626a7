"""Workers that run side by side, checked at intervals and ended some time after a cancel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Final, TypeVar

from jobs.sweep.cancel import CancelToken

__all__ = ["Supervisor"]

T = TypeVar("T")
_LOOK_EVERY_S: Final = 0.05


class Supervisor:
    """Runs workers until all have ended, or one of them or a check raises.

    Args:
        check: Called at intervals; raises where the workers must be stopped. It returns a coroutine
            to be run beside them, or None.
        cancel: Once it is set, no further check is made.
        check_every_s: Seconds between two checks.
        finish_s: Workers still running this many seconds after the cancel are ended.
        only_wait: Returns True if, after the cancel, none of the workers can have a result any
            more; they are ended then. Default: that is not known.
    """

    def __init__(
        self,
        check: Callable[[], Coroutine[None, None, None] | None],
        cancel: CancelToken,
        *,
        check_every_s: float,
        finish_s: float,
        only_wait: Callable[[], bool] | None = None,
    ) -> None:
        self._check = check
        self._cancel = cancel
        self._check_every_s = check_every_s
        self._finish_s = finish_s
        self._only_wait = only_wait

    async def run(self, works: Iterable[Coroutine[None, None, T]]) -> list[T]:
        """Return the results of the workers, except for those that were ended after a cancel.

        Raises:
            Exception: The first one that a worker or a check raised.
        """
        try:
            async with asyncio.TaskGroup() as group:
                workers = [group.create_task(work) for work in works]
                watcher = group.create_task(self._watch(workers, group))
                await asyncio.wait(workers)
                watcher.cancel()
        except ExceptionGroup as errors:
            first = errors.exceptions[0]
        else:
            return [worker.result() for worker in workers if not worker.cancelled()]
        raise first  # outside the except block, so that the group is not chained as its context

    async def _watch(self, workers: list[asyncio.Task[T]], group: asyncio.TaskGroup) -> None:
        """Check at intervals while the workers run; end them some time after a cancel."""
        beside: list[asyncio.Task[None]] = []
        try:
            while not self._cancel.is_set():
                if (work := self._check()) is not None:
                    beside = [group.create_task(work)]
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._check_every_s):
                        await self._cancel.wait()
        finally:
            for task in beside:
                task.cancel()
        await self._finish()
        for worker in workers:
            worker.cancel()

    async def _finish(self) -> None:
        """Give the workers time for what is in flight."""
        if self._only_wait is None:
            await asyncio.sleep(self._finish_s)
            return
        clock = asyncio.get_running_loop().time
        until = clock() + self._finish_s
        while clock() < until and not self._only_wait():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(_LOOK_EVERY_S)
