"""What carries tasks and messages between the command and its workers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from jobs.cluster.quota.messages import Reply
from jobs.cluster.tasks.introduction import Introduction
from jobs.cluster.tasks.job import Job, WorkerSettings
from jobs.cluster.tasks.part_task import PartTask
from jobs.cluster.tasks.task import AskTask, TaskResult
from jobs.errors import AbortedError

__all__ = ["Engine", "OnReport", "SchedulerLostError", "TaskKilledError"]

OnReport: TypeAlias = Callable[[str, dict[str, Any]], None]
"""Is called in the command's event loop with a worker's address and its report."""


class SchedulerLostError(AbortedError):
    """The scheduler, or the network to it, went away during the run."""


class TaskKilledError(Exception):
    """Several workers, one after the other, ended while they attempted a task."""


class Engine(Protocol):
    """Workers, by their addresses, that can be given tasks."""

    async def begin(self, job: Job, on_report: OnReport) -> None:
        """Tell all workers of a run, those that join later too, and take their reports.

        Raises:
            SchedulerLostError: The scheduler is gone.
        """

    async def workers(self) -> set[str]:
        """Return the addresses of the workers that are there now.

        Raises:
            SchedulerLostError: The scheduler is gone.
        """

    async def introduce(self, worker: str, settings: WorkerSettings) -> Introduction | None:
        """Return what a worker says about itself; None: it is gone, or does not answer.

        Args:
            worker: Its address.
            settings: Where it finds its settings.
        """

    async def ask(self, task: AskTask, worker: str) -> TaskResult:
        """Have a task attempted by a worker and by no other one.

        Raises:
            TaskKilledError: Several workers ended while they attempted it.
            SchedulerLostError: The scheduler is gone.
        """

    async def end(self) -> None:
        """Have the workers forget the run that was begun: nothing more is asked."""

    async def write(self, task: PartTask, worker: str) -> Path:
        """Have a part of the report written by a worker and by no other one.

        Returns:
            The file for ``read_part``.

        Raises:
            TaskKilledError: Several workers ended while they wrote it.
            SchedulerLostError: The scheduler is gone.
            Exception: Whatever went wrong there.
        """

    def deliver(self, worker: str, reply: Reply) -> None:
        """Send a reply to a worker; whether it arrives is not known."""
