"""One client of a worker process, with a thread and an event loop; it outlives tasks."""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from jobs.cluster.joint.stats_json import stats_to_json
from jobs.cluster.quota.member import LeaseLostError, Member
from jobs.cluster.quota.messages import Question, Reply
from jobs.cluster.tasks.introduction import OtherSettingsError, introduce, other_settings
from jobs.cluster.tasks.job import Job
from jobs.cluster.tasks.task import AskTask, TaskEnd, TaskResult
from jobs.cluster.worker.agent import LeaseAgent
from jobs.cluster.worker.attempt import Attempt, WorkerJudge
from jobs.errors import OutputError, RunError
from jobs.store.files.filesystem import DISK_FULL, reason_of
from jobs.sweep.asking import Query
from jobs.sweep.cancel import CancelReason
from jobs.sweep.stats import RequestStats
from palm import (
    AsyncPalm,
    CertificateStore,
    Clock,
    Merchant,
    PalmAuthorization,
    PlatformKeys,
    SettingsError,
)
from palm.settings import Settings

__all__ = ["Asker"]

_log: Final = logging.getLogger("palm")
_CLOSE_S: Final = 5.0


class Asker:
    """Runs attempts at tasks with one client, whose pacer follows the command's replies.

    Args:
        job: The run.
        send: Sends a report to the command; it is called in the asker's thread, and must not block.
        worker: Where this process runs, for the results.
        clock: The time.
    """

    def __init__(
        self,
        job: Job,
        send: Callable[[dict[str, Any]], None],
        *,
        worker: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._job = job
        self._send = send
        self._worker = worker
        self._clock = clock or Clock()
        self._attempts: set[Attempt] = set()
        self._asking: set[asyncio.Future[Path]] = set()
        self._session: _Session | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="asker", daemon=True)
        self._thread.start()

    def ask(self, task: AskTask) -> TaskResult:
        """Attempt a task; this blocks the caller's thread, not the asker's.

        It returns whatever happens, errors included.
        """
        return asyncio.run_coroutine_threadsafe(self._ask(task), self._loop).result()

    def deliver(self, reply: Reply) -> None:
        """Hand a reply of the command on; callable from any thread."""
        self._loop.call_soon_threadsafe(self._receive, reply)

    def close(self) -> None:
        """End what runs, and the thread."""
        with suppress(TimeoutError):
            ending = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
            ending.result(self._job.finish_s + _CLOSE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _ask(self, task: AskTask) -> TaskResult:
        attempt = Attempt(self._job, task, secrets.token_hex(4))
        ended = partial(TaskResult, worker=self._worker)
        session = None
        self._attempts.add(attempt)
        try:
            session = await self._open()
            asking = asyncio.ensure_future(session.ask(attempt))
            self._asking.add(asking)
            asking.add_done_callback(self._asking.discard)
            await asyncio.wait({asking, session.agent_task}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                asking.cancel()
                await asyncio.wait({asking})
                return ended(end=TaskEnd.GIVEN_UP, error=session.error())
            outcomes = asking.result()
            end = TaskEnd.CANCELLED if attempt.cancel.is_set() else TaskEnd.DONE
            if attempt.cancel.is_set() and session.agent.cancel == "unreachable":
                end = TaskEnd.GIVEN_UP
            return ended(end=end, outcomes=outcomes, report=session.report())
        except OSError as error:
            return ended(end=TaskEnd.FAILED, error=_unwritable(task, error))
        except OtherSettingsError as error:
            return ended(end=TaskEnd.GIVEN_UP, error=error)
        except RunError as error:
            return ended(end=TaskEnd.FAILED, error=error)
        finally:
            self._attempts.discard(attempt)

    async def _open(self) -> _Session:
        """Return the client that all tasks share; a new one, with a new lease, if it lost its own.

        Raises:
            OtherSettingsError: The settings cannot be used, or are not those of the command.
        """
        if self._session is not None and self._session.agent_task.done():
            ended, self._session = self._session, None
            await ended.close()
        if self._session is None:
            self._session = _Session(self._job, self._send, self._attempts, self._clock)
        return self._session

    def _receive(self, reply: Reply) -> None:
        if self._session is None:
            return
        self._session.agent.receive(reply)
        if self._session.agent.cancel is not None:
            for attempt in self._attempts:
                attempt.cancel.set(CancelReason.DEADLINE)

    async def _end(self) -> None:
        for attempt in self._attempts:
            attempt.cancel.set(CancelReason.DEADLINE)
        if self._asking:  # what is in flight may be answered yet, and goes into the journals
            await asyncio.wait(self._asking, timeout=self._job.finish_s)
        if self._session is not None:
            await self._session.close()


class _Session:
    """A client with its lease, from the first question until the lease is lost."""

    def __init__(
        self,
        job: Job,
        send: Callable[[dict[str, Any]], None],
        attempts: Collection[Attempt],
        clock: Clock,
    ) -> None:
        settings, merchant, self.keys = _settings_of(job, clock)
        self._job, self._send, self._clock = job, send, clock
        self._attempts = attempts
        self._stats = RequestStats()
        self._judge = WorkerJudge()
        member = Member(secrets.token_hex(8), clock=clock, rules=job.leases)
        self.agent = LeaseAgent(member, self._ask_for_share, self._has_more, clock=clock)
        self._palm = AsyncPalm(
            merchant=merchant,
            keys=self.keys,
            base_url=job.base_url,
            proxy=settings.proxy,
            ca_file=settings.ca_file,
            connections=job.in_flight,
            retry=job.retry,
            timeouts=job.timeouts,
            hosts=job.hosts,
            pacer=self.agent.pacer,
            adaptation=self.agent.throttles,
            breaker=self.agent.breaker,
            accept_unnamed=job.accept_unnamed,
            on_attempt=self._stats.attempted,
            clock=clock,
        )
        again = self._palm.with_options(retry=job.throttled_again)
        self._slots = asyncio.Semaphore(job.in_flight)
        self._queries = 0
        self._query = self._counted(self._palm, keep_signed=job.keep_signed)
        self._query_throttled = self._counted(again, keep_signed=job.keep_signed)
        self._question: Question | None = None
        self._reports = 0
        self.agent_task = asyncio.ensure_future(self.agent.run())

    async def ask(self, attempt: Attempt) -> Path:
        """Attempt a task with this client."""
        return await attempt.ask(
            self._query, self._query_throttled,
            stats=self._stats, judge=self._judge, keys=self.keys, clock=self._clock,
            only_wait=self._only_wait,
        )  # fmt: skip

    def report(self) -> dict[str, Any] | None:
        """Return the latest question with what was counted until now; None: there was none."""
        if self._question is None:
            return None
        outcomes = self._judge.counts.outcomes(
            answers=self._stats.answers, unnamed=self._stats.unnamed
        )
        self._reports += 1
        return {
            "number": self._reports,
            "question": self._question.to_json(),
            "outcomes": outcomes.to_json(),
            "stats": stats_to_json(self._stats),
            "sent": self.agent.pacer.granted,
            "left": self._queries + sum(each.waiting for each in self._attempts),
            "worst_second": self.agent.pacer.worst_second,
            "host_switches": self._palm.hosts.switches,
        }

    def error(self) -> Exception | None:
        """Return why the lease was lost."""
        if self.agent_task.cancelled():
            return LeaseLostError("this process is being closed")
        error = self.agent_task.exception()
        return error if isinstance(error, Exception) else None

    async def close(self) -> None:
        """Give the lease up, and close the client."""
        self.agent_task.cancel()
        with suppress(asyncio.CancelledError, LeaseLostError):
            await self.agent_task
        await self._palm.close()

    def _counted(self, palm: AsyncPalm, *, keep_signed: bool) -> Query:
        """Return what asks about a pair as soon as one of the client's slots is free."""
        get = palm.authorizations.get
        if keep_signed:
            get = partial(palm.authorizations.get, keep_signed=True)

        async def ask(openid: str, organization_id: str) -> PalmAuthorization:
            async with self._slots:
                self._queries += 1
                try:
                    return await get(openid, organization_id)
                finally:
                    self._queries -= 1

        return ask

    def _only_wait(self) -> bool:
        """Return True if all queries wait for the pacer, which lets none through any more."""
        return self._queries <= self.agent.pacer.waiting

    def _has_more(self) -> bool:
        return any(not each.cancel.is_set() for each in self._attempts)

    def _ask_for_share(self, question: Question) -> None:
        self._question = question
        report = self.report()
        if report is not None:
            self._send(report)


def _settings_of(
    job: Job, clock: Clock
) -> tuple[Settings, Merchant, PlatformKeys | CertificateStore]:
    """Return the settings of this process, and the merchant and the keys that they name.

    Raises:
        OtherSettingsError: They cannot be used, or are not those of the command.
    """
    try:
        settings = job.settings.load()
        merchant, keys = settings.merchant(), settings.verifying_keys(clock=clock)
    except SettingsError as error:
        raise OtherSettingsError(str(error)) from None
    except ValueError as error:  # its text might quote a secret
        raise OtherSettingsError(f"its settings are wrong: {type(error).__name__}") from None
    if others := other_settings(job.own, introduce(merchant, keys), now_s=clock.wall()):
        raise OtherSettingsError(", ".join(others))
    return settings, merchant, keys


def _unwritable(task: AskTask, error: OSError) -> OutputError:
    full = error.errno in DISK_FULL
    what = "Disk full at the" if full else f"{reason_of(error)}: the"
    return OutputError(
        f"{what} shared work folder {task.path.parent}: answers so far are kept. "
        f"{'Free space' if full else 'Mend it'}",
        again=True,
    )
