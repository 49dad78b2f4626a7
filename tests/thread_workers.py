"""Workers that are threads of this process, in place of Dask's; all else is real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs.cluster.dispatch.engine import OnReport, TaskKilledError
from jobs.cluster.quota.messages import Reply
from jobs.cluster.quota.rules import LeaseRules
from jobs.cluster.tasks.introduction import Introduction
from jobs.cluster.tasks.job import Job, WorkerSettings
from jobs.cluster.tasks.part_task import PartTask, write_here
from jobs.cluster.tasks.task import AskTask, TaskResult
from jobs.cluster.worker.asker import Asker
from jobs.cluster.worker.examination import examine_here, introduce_here
from palm.doctor.checks import Finding

__all__ = ["QUICK", "ThreadEngine"]

QUICK = LeaseRules(every_s=0.05, lease_s=0.6, drift_s=0.02, hold_s=0.05, lost_s=0.6)
"""Leases whose shares are not held back: these tests do not judge the quota."""


@dataclass
class ThreadEngine:
    """An engine without processes and network.

    Attributes:
        names: Of the workers.
        attempt: Makes the attempt of a worker at a task; a test puts a fault in its place.
        job_of: Returns what a worker knows of the run; a test puts something else in its place.
        tasks: The tasks that were given to workers, each with the worker.
        write_part: Writes a part at a worker; a test puts a fault in its place.
        written: The numbers of the parts that were given to workers, each with the worker.
    """

    names: list[str] = field(default_factory=lambda: ["a", "b"])
    attempt: Callable[[Asker, AskTask], TaskResult] = Asker.ask
    job_of: Callable[[str, Job], Job] = lambda _, job: job
    tasks: list[tuple[str, AskTask]] = field(default_factory=list)
    write_part: Callable[[str, PartTask], Path] = lambda _, task: write_here(task)
    written: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.askers: dict[str, Asker] = {}
        self._job: Job | None = None

    @asynccontextmanager
    async def opened(self, *_: object) -> AsyncIterator[ThreadEngine]:
        """Yield itself, in place of :func:`jobs.cluster.dask_engine.open_engine`."""
        try:
            yield self
        finally:
            await self.end()

    async def begin(self, job: Job, on_report: OnReport) -> None:
        """Remember the run."""
        self._job = job
        loop = asyncio.get_running_loop()

        def sender(name: str) -> Callable[[dict[str, Any]], None]:
            return lambda report: loop.call_soon_threadsafe(on_report, name, report) and None

        self._sender = sender

    async def workers(self) -> set[str]:
        """Return the names."""
        return set(self.names)

    async def introduce(self, worker: str, settings: WorkerSettings) -> Introduction | None:
        """Return what a worker says, which is this process."""
        return await introduce_here(settings) if worker in self.names else None

    async def examine(
        self, worker: str, settings: WorkerSettings, work: Path | None
    ) -> list[Finding] | None:
        """Return what a worker finds about itself, which is this process."""
        return await examine_here(settings, work) if worker in self.names else None

    async def ask(self, task: AskTask, worker: str) -> TaskResult:
        """Attempt a task in a thread."""
        assert self._job is not None
        self.tasks.append((worker, task))
        asker = self.askers.get(worker)
        if asker is None:
            job = self.job_of(worker, self._job)
            asker = self.askers[worker] = Asker(job, self._sender(worker), worker=worker)
        try:
            return await asyncio.to_thread(self.attempt, asker, task)
        except ProcessLookupError:
            raise TaskKilledError(f"task {task.number}") from None

    async def end(self) -> None:
        """End the askers."""
        for each in self.askers.values():
            await asyncio.to_thread(each.close)
        self.askers.clear()

    async def write(self, task: PartTask, worker: str) -> Path:
        """Write a part in a thread."""
        self.written.append((worker, task.number))
        return await asyncio.to_thread(self.write_part, worker, task)

    def deliver(self, worker: str, reply: Reply) -> None:
        """Hand a reply on."""
        if worker in self.askers:
            self.askers[worker].deliver(reply)
