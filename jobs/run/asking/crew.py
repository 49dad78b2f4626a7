"""The workers of a run, from its first question until its rows are written."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeVar

from jobs.cluster.dispatch.engine import Engine
from jobs.cluster.dispatch.parts import WrittenByWorkers
from jobs.cluster.dispatch.workers import Workers
from jobs.report.request_info import ClusterInfo
from palm import Clock

__all__ = ["Crew"]

_Engine = TypeVar("_Engine", bound=Engine)


class Crew:
    """Holds the engine that asking opens, so that the rows can be written by the same workers."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._engine: Engine | None = None
        self._workers: Workers | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def open(self, engine: AbstractAsyncContextManager[_Engine]) -> _Engine:
        """Return an engine, which is closed when the crew is left.

        Raises:
            NotNowError: The scheduler cannot be reached, or the workers cannot be started.
        """
        opened = await self._stack.enter_async_context(engine)
        self._engine = opened
        return opened

    async def close(self) -> None:
        """Close the engine, if there is one."""
        self._engine = None
        if self._workers is not None:
            await self._workers.close()
        await self._stack.aclose()

    def know(self, workers: Workers) -> None:
        """Remember which of the engine's workers may be used."""
        self._workers = workers

    def writing(self, clock: Clock) -> WrittenByWorkers | None:
        """Return what has parts written by the workers; None: there is none."""
        if self._engine is None or self._workers is None:
            return None
        return WrittenByWorkers(self._engine, self._workers, clock)

    def counted(self, asked_by: ClusterInfo | None) -> ClusterInfo | None:
        """Return what a report says about the workers, with those that were lost since they asked.

        Args:
            asked_by: What was known of them when all was asked; None: there was none.
        """
        if asked_by is None or self._workers is None:
            return asked_by
        workers = self._workers
        return replace(asked_by, workers=len(workers.asking), lost=workers.lost)
