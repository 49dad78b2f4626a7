"""Dask's distributed scheduler as the engine. The only file that imports ``distributed``.

Only futures, events, ``Client.run`` and worker plugins are used. What is sent is a path of
settings, numbers and counts: no key, no pair.

Sources: futures https://distributed.dask.org/en/stable/client.html, events
https://distributed.dask.org/en/stable/logging.html#structured-logs, plugins
https://distributed.dask.org/en/stable/plugins.html, TLS
https://distributed.dask.org/en/stable/tls.html
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import CancelledError as FutureCancelled
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, cast

import dask
from distributed import (
    Client,
    KilledWorker,
    LocalCluster,
    Security,
    Worker,
    WorkerPlugin,
    get_worker,
)

from jobs.cluster.dask_settings import CLIENT, LOCAL, LOCAL_CLUSTER, LOGGERS, QUIET
from jobs.cluster.dispatch.engine import OnReport, SchedulerLostError, TaskKilledError
from jobs.cluster.quota.messages import Reply
from jobs.cluster.scheduler_errors import check_tls, unreachable
from jobs.cluster.tasks.introduction import Introduction, unable
from jobs.cluster.tasks.job import Job, WorkerSettings
from jobs.cluster.tasks.part_task import PartTask, write_here
from jobs.cluster.tasks.task import AskTask, TaskResult
from jobs.cluster.worker.examination import examine_here, introduce_here
from jobs.cluster.worker.held_asker import HeldAsker, follow_the_command
from jobs.errors import NotNowError
from palm.doctor.checks import Finding

__all__ = ["DaskEngine", "open_engine"]

_CONNECT_S: Final = 10.0
_ANSWER_S: Final = 10.0
_EXAMINE_S: Final = 60.0
"""A scheduler or a worker that has not answered a short question after so long is given up."""


class AskerPlugin(WorkerPlugin):
    """Holds the asker of a run in each worker process.

    Args:
        job: The run.
        local: Whether the workers are processes of the command's machine.
    """

    def __init__(self, job: Job, *, local: bool) -> None:
        self.name = _name(job.id)
        self._job, self._local = job, local

    def setup(self, worker: Worker) -> None:
        """Begin in a worker process."""

        def send(report: dict[str, Any]) -> None:
            worker.log_event(self.name, json.dumps([worker.address, report]))

        self.held = HeldAsker(self._job, worker.address, send)
        if self._local:
            follow_the_command()

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - as the base has it
        """End in a worker process."""
        self.held.close()


class DaskEngine:
    """Workers of a Dask scheduler.

    Args:
        client: Is connected; it runs in the command's event loop.
        local: Whether the workers are processes of this machine.
    """

    def __init__(self, client: Client, *, local: bool) -> None:
        self._client = client
        self._local = local
        self._job = ""
        self._has_begun = False
        self._attempts = 0
        self._own = secrets.token_hex(8)
        self._sending: set[asyncio.Task[None]] = set()

    async def begin(self, job: Job, on_report: OnReport) -> None:
        """Tell all workers of a run, those that join later too, and take their reports.

        Raises:
            SchedulerLostError: The scheduler is gone.
        """
        self._job, self._has_begun = job.id, True

        def on_event(event: tuple[float, str]) -> None:
            worker, report = json.loads(event[1])
            on_report(worker, report)

        plugin = AskerPlugin(job, local=self._local)
        await self._answer(self._client.register_plugin(plugin, name=plugin.name))
        self._client.subscribe_topic(plugin.name, on_event)

    async def workers(self) -> set[str]:
        """Return the addresses of the workers that are there now.

        Raises:
            SchedulerLostError: The scheduler is gone.
        """
        scheduler = self._client.scheduler
        if scheduler is None:
            raise _lost()
        identity = await self._answer(scheduler.identity(n_workers=-1))
        return set(identity["workers"])

    async def introduce(self, worker: str, settings: WorkerSettings) -> Introduction | None:
        """Return what a worker says about itself; None: it is gone, or does not answer."""
        try:
            found = await self._answer_of(worker, _ANSWER_S, introduce_here, settings)
        except Exception as error:  # noqa: BLE001 - whatever its version lacks
            return unable(f"it has not what this version needs: {type(error).__name__}")
        return cast("Introduction | None", found)

    async def examine(
        self, worker: str, settings: WorkerSettings, work: Path | None
    ) -> list[Finding] | None:
        """Return what a worker finds about itself; None: it is gone, or does not answer.

        Args:
            worker: Its address.
            settings: Where it finds its settings.
            work: The folder that all workers must see; None: it is not looked for.
        """
        found = await self._answer_of(worker, _EXAMINE_S, examine_here, settings, work)
        return cast("list[Finding] | None", found)

    async def ask(self, task: AskTask, worker: str) -> TaskResult:
        """Have a task attempted by a worker and by no other one.

        Raises:
            TaskKilledError: Several workers ended while they attempted it.
            SchedulerLostError: The scheduler is gone.
        """
        name = f"ask-{self._job}-{task.number}"
        result: TaskResult = await self._submit(name, worker, _attempt, self._job, task)
        return result

    async def end(self) -> None:
        """Have the workers forget the run that was begun: nothing more is asked."""
        for each in self._sending:
            each.cancel()
        if self._has_begun and self._client.status == "running":
            ending = self._client.unregister_worker_plugin(_name(self._job))
            with suppress(Exception):
                await asyncio.wait_for(ending, _ANSWER_S)
        self._has_begun = False

    async def write(self, task: PartTask, worker: str) -> Path:
        """Have a part of the report written by a worker and by no other one.

        Raises:
            Exception: As :meth:`ask`, or whatever went wrong there.
        """
        name = f"write-{self._job}-{task.number}"
        written: Path = await self._submit(name, worker, write_here, task)
        return written

    def deliver(self, worker: str, reply: Reply) -> None:
        """Send a reply to a worker; whether it arrives is not known."""
        sending = asyncio.ensure_future(self._deliver(worker, reply))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    async def _deliver(self, worker: str, reply: Reply) -> None:
        sending = self._client.run(
            _deliver, self._job, reply.to_json(), workers=[worker], wait=False, on_error="ignore"
        )
        with suppress(Exception):  # then its lease ends
            await asyncio.wait_for(sending, _ANSWER_S)

    async def _submit(self, name: str, worker: str, do: Callable[..., Any], *given: object) -> Any:  # noqa: ANN401
        self._attempts += 1
        future = self._client.submit(
            do,
            *given,
            key=f"{name}-{self._own}-{self._attempts}",
            workers=[worker],
            pure=False,
        )
        try:
            return await future
        except KilledWorker:
            raise TaskKilledError(name) from None
        except (asyncio.CancelledError, FutureCancelled):
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            raise _lost() from None

    async def _answer_of(
        self, worker: str, wait_s: float, ask: Callable[..., Any], *given: object
    ) -> object:
        """Return what one worker answers; None: it is gone, or does not answer."""
        asking = self._client.run(ask, *given, workers=[worker])
        try:
            return (await asyncio.wait_for(asking, wait_s)).get(worker)
        except (OSError, TimeoutError, KeyError):
            return None

    async def _answer(self, asking: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401
        try:
            return await asyncio.wait_for(asking, _ANSWER_S)
        except (OSError, TimeoutError):
            raise _lost() from None


@asynccontextmanager
async def open_engine(address: str | None, workers: int) -> AsyncIterator[DaskEngine]:
    """Connect to a scheduler, or start workers on this machine, while the context is open.

    Args:
        address: Of the scheduler; None: there is none, and workers are started.
        workers: How many are started.

    Raises:
        NotNowError: The scheduler cannot be reached, or the workers cannot be started.
    """
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    dask.config.set(QUIET if address else LOCAL)
    async with _local(workers) if address is None else _connected(address) as client:
        engine = DaskEngine(client, local=address is None)
        try:
            yield engine
        finally:
            await engine.end()
            with suppress(Exception):
                await asyncio.wait_for(client.close(), _ANSWER_S)


@asynccontextmanager
async def _connected(address: str) -> AsyncIterator[Client]:
    security = Security()
    check_tls(address, security)
    client = Client(address, security=security, timeout=_CONNECT_S, **CLIENT)
    try:
        async with asyncio.timeout(_CONNECT_S + _ANSWER_S):  # another server may stay silent,
            await client
    except (OSError, ValueError, TypeError, MemoryError) as error:  # or seem to say a length
        with suppress(Exception):
            await asyncio.wait_for(client.close(), _ANSWER_S)
        raise unreachable(address, error) from None
    yield client


@asynccontextmanager
async def _local(workers: int) -> AsyncIterator[Client]:
    try:
        cluster = await LocalCluster(n_workers=workers, **LOCAL_CLUSTER)
    except (OSError, TimeoutError, RuntimeError) as error:
        raise NotNowError(f"the workers cannot be started: {error}") from None
    try:
        yield await Client(cluster, **CLIENT)
    finally:
        with suppress(Exception):
            await asyncio.wait_for(cast("Coroutine[Any, Any, None]", cluster.close()), _ANSWER_S)


def _name(job: str) -> str:
    """Return the name of a run's plugin, and of the topic of its reports."""
    return f"palm-reconcile-{job}"


def _lost() -> SchedulerLostError:
    return SchedulerLostError(
        "the scheduler is lost: start it and its workers again, or check the network to it"
    )


def _attempt(job: str, task: AskTask) -> TaskResult:
    """Attempt a task in this worker process."""
    return cast("AskerPlugin", get_worker().plugins[_name(job)]).held.get().ask(task)


async def _deliver(job: str, reply: dict[str, Any], dask_worker: Worker) -> None:
    plugin = dask_worker.plugins.get(_name(job))
    if isinstance(plugin, AskerPlugin):
        plugin.held.deliver(Reply.from_json(reply))
