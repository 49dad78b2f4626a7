"""Which workers there are, and which of them may be used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from jobs.cluster.dispatch.engine import Engine
from jobs.cluster.options import worker_command
from jobs.cluster.tasks.introduction import Introduction, differences
from jobs.cluster.tasks.job import WorkerSettings
from jobs.errors import CredentialsError, NotNowError
from jobs.loggers import ALWAYS
from jobs.plurals import counted
from palm import Clock

__all__ = ["Workers"]

_RUN: Final = "palm.run"
_LOOK_EVERY_S: Final = 1.0
_MEET_FIRST_S: Final = 5.0
_MEET_S: Final = 1.0
"""So long the first look, and each later one, waits for new workers to introduce themselves; who
needs longer joins later."""
_LONGEST_PAUSE_S: Final = 60.0


@dataclass(slots=True)
class _Silence:
    """A worker that did not answer: when it is asked again, and how long it is left alone then."""

    until: float
    pause_s: float = _LOOK_EVERY_S


class Workers:
    """Looks for workers at intervals; each introduces itself before it is used.

    A worker that does not answer keeps nobody waiting.

    Args:
        engine: Knows the workers.
        own: What the command says about itself.
        settings: Where a worker finds its settings.
        clock: The time.
        address: Of the scheduler; None: the workers were started by the command.
        join_s: So long the command waits for a first worker, or for another one.

    Attributes:
        joined: How many workers were used to ask.
        lost: How many of them went away.
    """

    def __init__(
        self,
        engine: Engine,
        own: Introduction,
        settings: WorkerSettings,
        clock: Clock,
        *,
        address: str | None = None,
        join_s: float = 60.0,
    ) -> None:
        self._engine, self._own, self._clock = engine, own, clock
        self._settings = settings
        start = f"; start one: {worker_command(address)}" if address else ""
        self._start, self._join_s = start, join_s
        self._usable: set[str] = set()
        self._refused: dict[str, str] = {}
        self._meetings: dict[str, asyncio.Task[None]] = {}
        self._silent: dict[str, _Silence] = {}
        self._only_write: set[str] = set()
        self._has_begun = self._all_is_asked = self._one_went_away = False
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
        await self._look(_MEET_FIRST_S)
        if not self._usable and not self._refused and not is_over():
            structlog.get_logger(_RUN).info(
                f"No worker has joined the scheduler yet: waiting up to {self._join_s:.0f} s for "
                f"one{self._start}"
            )
        while not self._usable and not is_over():
            self.check()
            await self._clock.sleep(_LOOK_EVERY_S / 4)
            await self._look()
        self._has_begun = True

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
            CredentialsError: All workers have other keys, clocks or versions, each has said so, and
                none that could be used went away, which may come back.
            NotNowError: There is none.
        """
        if self._usable:
            return
        reasons = "; ".join(f"{name}: {why}" for name, why in sorted(self._refused.items()))
        may_come = self._one_went_away or self._meetings or self._silent
        if reasons and not may_come:
            raise CredentialsError(
                f"no worker has what the command has: {reasons}; give all the same settings, "
                "version and time, and start them again"
            )
        if self._clock.monotonic() - self._there_at >= self._join_s:
            others = f", but for others that cannot be used ({reasons})" if reasons else ""
            raise NotNowError(
                f"no worker has joined the scheduler for {self._join_s:.0f} s{others}{self._start}"
            )

    @property
    def asking(self) -> list[str]:
        """The addresses of the workers that were used to ask, and are there now."""
        return sorted(self._usable - self._only_write)

    def end_of_asking(self) -> None:
        """Count no worker that joins from now on: all is asked, and it only writes rows."""
        self._all_is_asked = True

    def refuse(self, worker: str, why: str) -> None:
        """Use a worker no more: it is not what it said that it was."""
        if worker in self._usable:
            self._lose(worker)
        self._refused[worker] = why
        _log().warning(f"Worker {worker} is not used: {why}")

    def is_refused(self, worker: str) -> bool:
        """Return True if a worker is there, and may not be used."""
        return worker in self._refused

    async def close(self) -> None:
        """Wait for no worker any more that has not introduced itself."""
        meetings = list(self._meetings.values())
        for each in meetings:
            each.cancel()
        await asyncio.gather(*meetings, return_exceptions=True)
        self._meetings.clear()

    async def _look(self, meet_s: float = _MEET_S) -> None:
        there = await self._engine.workers()
        for worker in self._usable - there:
            self._one_went_away = True
            self._lose(worker)
            _log().warning(f"Worker {worker} is lost{self._what_then()}")
        self._refused = {name: why for name, why in self._refused.items() if name in there}
        self._silent = {name: each for name, each in self._silent.items() if name in there}
        new = self._meet_new(there)
        if new:
            await asyncio.wait(new, timeout=meet_s)
        for name, meeting in list(self._meetings.items()):
            if meeting.done():
                del self._meetings[name]
                if not meeting.cancelled():
                    meeting.result()
        self._looked_at = self._clock.monotonic()
        if self._usable:
            self._there_at = self._looked_at

    def _meet_new(self, there: set[str]) -> list[asyncio.Task[None]]:
        """Have workers introduce themselves that are neither used nor refused."""
        now = self._clock.monotonic()
        known = self._usable | self._refused.keys() | self._meetings.keys()
        new = []
        for name in sorted(there - known):
            silence = self._silent.get(name)
            if silence is None or silence.until <= now:
                new.append(asyncio.ensure_future(self._meet(name)))
                self._meetings[name] = new[-1]
        return new

    async def _meet(self, worker: str) -> None:
        began = self._clock.wall()
        other = await self._engine.introduce(worker, self._settings)
        if other is None:
            self._leave_alone(worker)
            return
        self._silent.pop(worker, None)
        waited_s = self._clock.wall() - began
        reasons = differences(self._own, other, now_s=began, waited_s=waited_s)
        if reasons:
            self.refuse(worker, ", ".join(reasons))
            return
        self._usable.add(worker)
        if self._all_is_asked:
            self._only_write.add(worker)
        else:
            self.joined += 1
        if self._has_begun:
            there = counted(len(self._usable), "worker")
            structlog.get_logger(_RUN).info(f"Worker {worker} has joined; {there}")

    def _what_then(self) -> str:
        if self._usable:
            left = counted(len(self._usable), "worker")
            return f": what it had to do is done by others; {left} left"
        if self._all_is_asked:
            return ", the last one: the command writes what is left"
        return f", the last one: waiting up to {self._join_s:.0f} s for another one{self._start}"

    def _lose(self, worker: str) -> None:
        self._usable.discard(worker)
        if worker in self._only_write:
            self._only_write.discard(worker)
        else:
            self.lost += 1

    def _leave_alone(self, worker: str) -> None:
        """Ask a worker that did not answer again after a pause, which grows each time."""
        before = self._silent.get(worker)
        pause_s = min(_LONGEST_PAUSE_S, 2 * before.pause_s) if before else _LOOK_EVERY_S
        self._silent[worker] = _Silence(self._clock.monotonic() + pause_s, pause_s)


def _log() -> structlog.typing.FilteringBoundLogger:
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger(ALWAYS)
    return log
