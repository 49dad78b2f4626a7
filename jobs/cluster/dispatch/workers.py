"""Which workers there are, and which of them may be used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from jobs.cluster.dispatch.engine import Engine
from jobs.cluster.tasks.introduction import Introduction, differences
from jobs.cluster.tasks.job import WorkerSettings
from jobs.errors import CredentialsError, NotNowError
from jobs.loggers import ALWAYS
from jobs.plurals import counted
from palm import Clock

__all__ = ["Workers"]

_LOOK_EVERY_S: Final = 1.0


class Workers:
    """Looks for workers at intervals; each introduces itself before it is used.

    Args:
        engine: Knows the workers.
        own: What the command says about itself.
        settings: Where a worker finds its settings.
        clock: The time.
        join_s: So long the command waits for a first worker, or for another one.

    Attributes:
        joined: How many workers were used.
        lost: How many of them went away.
    """

    def __init__(
        self,
        engine: Engine,
        own: Introduction,
        settings: WorkerSettings,
        clock: Clock,
        *,
        join_s: float = 60.0,
    ) -> None:
        self._engine, self._own, self._clock = engine, own, clock
        self._settings = settings
        self._join_s = join_s
        self._usable: set[str] = set()
        self._refused: dict[str, str] = {}
        self._looked_at = self._there_at = clock.monotonic()
        self.joined: int = 0
        self.lost: int = 0

    @property
    def usable(self) -> list[str]:
        """The addresses of the workers that may be used now."""
        return sorted(self._usable)

    async def wait_for_first(self, is_over: Callable[[], bool] = lambda: False) -> None:
        """Wait until there is a worker that can be used, or the run is over.

        Args:
            is_over: Whether a signal or the deadline has ended the run.

        Raises:
            CredentialsError: All workers have other keys, clocks or versions.
            NotNowError: None has joined.
            SchedulerLostError: The scheduler is gone.
        """
        self._there_at = self._clock.monotonic()
        await self._look()
        while not self._usable and not is_over():
            self.check()
            await self._clock.sleep(_LOOK_EVERY_S / 4)
            await self._look()

    async def look(self) -> None:
        """Look for workers that joined or went away, if that was not done a moment ago.

        Raises:
            SchedulerLostError: The scheduler is gone.
        """
        if self._clock.monotonic() - self._looked_at >= _LOOK_EVERY_S:
            await self._look()

    def check(self) -> None:
        """Stop where there has been no worker to use for too long.

        Raises:
            CredentialsError: All workers have other keys, clocks or versions.
            NotNowError: There is none.
        """
        if self._usable:
            return
        if self._refused:
            reasons = "; ".join(f"{name}: {why}" for name, why in sorted(self._refused.items()))
            raise CredentialsError(
                f"no worker has what the command has: {reasons}; give all the same settings, "
                "version and time"
            )
        if self._clock.monotonic() - self._there_at >= self._join_s:
            raise NotNowError(
                f"no worker has joined the scheduler for {self._join_s:.0f} s; start one: "
                "dask worker ADDRESS --nthreads 2"
            )

    async def _look(self) -> None:
        there = await self._engine.workers()
        gone = self._usable - there
        for worker in gone:
            self._usable.discard(worker)
            self.lost += 1
            _log().warning(
                f"Worker {worker} is lost: what it had to do is done by others; "
                f"{counted(len(self._usable), 'worker')} left"
            )
        self._refused = {name: why for name, why in self._refused.items() if name in there}
        new = [each for each in sorted(there) if each not in self._usable | self._refused.keys()]
        await asyncio.gather(*map(self._meet, new))
        self._looked_at = self._clock.monotonic()
        if self._usable:
            self._there_at = self._looked_at

    async def _meet(self, worker: str) -> None:
        began = self._clock.wall()
        other = await self._engine.introduce(worker, self._settings)
        if other is None:
            return
        waited_s = self._clock.wall() - began
        reasons = differences(self._own, other, now_s=began, waited_s=waited_s)
        if not reasons:
            self._usable.add(worker)
            self.joined += 1
            return
        self._refused[worker] = ", ".join(reasons)
        _log().warning(f"Worker {worker} is not used: {self._refused[worker]}")


def _log() -> structlog.typing.FilteringBoundLogger:
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger(ALWAYS)
    return log
