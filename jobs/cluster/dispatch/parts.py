"""Has the parts of a report written by workers, each by one; what none can do is left to others."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.cluster.dispatch.engine import Engine, SchedulerLostError
from jobs.cluster.dispatch.workers import Workers
from jobs.cluster.tasks.part_task import PartTask
from jobs.plurals import counted
from jobs.store.files.filesystem import reason_of
from palm import Clock

__all__ = ["WrittenByWorkers"]

_log: Final = logging.getLogger("palm")
_LOOK_EVERY_S: Final = 1.0
_LEAST_WAIT_S: Final = 10.0
_SLOWER: Final = 5
"""A part is given up once it takes so many times as long as the slowest one before it, but not
before the least wait: a stalled worker may stay there for minutes."""


@dataclass(frozen=True, slots=True)
class _Writing:
    task: PartTask
    worker: str
    began: float


class WrittenByWorkers:
    """Gives each worker one part at a time.

    A worker that fails at one gets no other one: it may not see a folder, or have no memory left.

    Args:
        engine: Carries tasks.
        workers: Those that may be used.
        clock: The time.
    """

    def __init__(self, engine: Engine, workers: Workers, clock: Clock) -> None:
        self._engine, self._workers, self._clock = engine, workers, clock
        self._failed: set[str] = set()
        self._writing: dict[asyncio.Task[Path], _Writing] = {}
        self._longest_s = 0.0
        self._late: list[asyncio.Task[Path]] = []
        self._is_lost = False

    async def write(self, tasks: Iterable[PartTask]) -> AsyncIterator[tuple[PartTask, Path | None]]:
        """Yield each part as soon as it is written, in any order.

        Yields:
            The task, and the file of its part for ``read_part``; None: no worker has written it,
            and none will.
        """
        waiting = deque(tasks)
        try:
            while waiting or self._writing:
                free = await self._free()
                if not free and not self._writing:
                    break  # nobody is left
                for worker in free[: len(waiting)]:
                    self._give(waiting.popleft(), worker)
                await asyncio.wait(
                    self._writing, timeout=_LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED
                )
                for each in [each for each in self._writing if each.done()]:
                    yield self._taken(each)
                waiting.extend(self._of_lost_workers())
                for task in self._given_up():
                    yield task, None
            if waiting:
                parts = counted(len(waiting), "part")
                _log.warning("no worker is left to write: the command writes %s itself", parts)
            for task in waiting:
                yield task, None
        finally:
            for each in self._writing:
                each.cancel()
            await asyncio.gather(*self._writing, *self._late, return_exceptions=True)

    async def _free(self) -> list[str]:
        """Return the workers that write nothing."""
        try:
            if not self._is_lost:
                await self._workers.look()
        except SchedulerLostError as error:  # all is asked: the command can go on without it
            _log.info("no further part is written by a worker: %s", error)
            self._is_lost = True
        if self._is_lost:
            return []
        busy = {each.worker for each in self._writing.values()} | self._failed
        return [each for each in self._workers.usable if each not in busy]

    def _give(self, task: PartTask, worker: str) -> None:
        writing = asyncio.ensure_future(self._timed(self._engine.write(task, worker)))
        self._writing[writing] = _Writing(task, worker, self._clock.monotonic())

    async def _timed(self, writing: Awaitable[Path]) -> Path:
        began = self._clock.monotonic()
        path = await writing
        self._longest_s = max(self._longest_s, self._clock.monotonic() - began)
        return path

    def _taken(self, done: asyncio.Task[Path]) -> tuple[PartTask, Path | None]:
        """Return what came of a part."""
        writing = self._writing.pop(done)
        error = done.exception()
        if error is None:
            return writing.task, done.result()
        why = reason_of(error) if isinstance(error, OSError) else type(error).__name__
        _log.info("worker %s writes no further part, the command does: %s", writing.worker, why)
        self._failed.add(writing.worker)
        return writing.task, None

    def _of_lost_workers(self) -> list[PartTask]:
        """Take the parts back that workers had to write which are gone."""
        usable = self._workers.usable
        lost = [
            each
            for each, writing in self._writing.items()
            if writing.worker not in usable and not each.done()
        ]
        for each in lost:
            each.cancel()
        self._late += lost
        return [self._writing.pop(each).task for each in lost]

    def _given_up(self) -> list[PartTask]:
        """Return the parts that take too long, and wait for them no longer."""
        longest_s = max(_LEAST_WAIT_S, _SLOWER * self._longest_s)
        before = self._clock.monotonic() - longest_s
        late = [
            each
            for each, writing in self._writing.items()
            if writing.began < before and not each.done()
        ]
        for each in late:
            each.cancel()
            self._failed.add(self._writing[each].worker)
        self._late += late
        return [self._writing.pop(each).task for each in late]
