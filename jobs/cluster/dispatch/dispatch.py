"""Has all tasks of a round attempted, and stops where what all workers report shows a reason."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from jobs.cluster.dispatch.engine import Engine, SchedulerLostError, TaskKilledError
from jobs.cluster.dispatch.task_store import TaskStore
from jobs.cluster.dispatch.totals import Totals
from jobs.cluster.dispatch.workers import Workers
from jobs.cluster.joint.abort import JointAbort
from jobs.cluster.joint.authority import Authority
from jobs.cluster.joint.outcomes import Outcomes
from jobs.cluster.joint.stats_json import stats_from_json
from jobs.cluster.quota.messages import Question
from jobs.cluster.tasks.introduction import OtherSettingsError
from jobs.cluster.tasks.task import AskTask, TaskEnd, TaskResult
from jobs.errors import OutputError
from jobs.sweep.abort.reachability import check_reached
from jobs.sweep.cancel import CancelReason, CancelToken
from palm import Clock

__all__ = ["Dispatch"]

_log: Final = logging.getLogger("palm")
_TASKS_PER_WORKER: Final = 2
"""One is asked about while the next one is read, so that a worker never waits for work."""
_SETTLE_S: Final = 5.0
"""Beyond the time that queries in flight have to finish: for the journals, and the way here."""
_GIVEN_UP: Final = 3
"""So many attempts at a task end without progress before the run is stopped."""


@dataclass(slots=True)
class _Running:
    task: AskTask
    worker: str
    progress: int


@dataclass(slots=True)
class _Failures:
    """Attempts at tasks that ended without a result, by the number of the task."""

    counts: dict[int, int] = field(default_factory=dict)

    def add(self, task: AskTask, *, progressed: bool) -> int:
        """Count one; return how many there were since the last progress."""
        self.counts[task.number] = 0 if progressed else self.counts.get(task.number, 0) + 1
        return self.counts[task.number]


class Dispatch:
    """Gives each worker two tasks at a time, and answers the questions of all.

    Args:
        engine: Carries tasks, reports and replies.
        workers: Those that may be used.
        authority: Answers questions.
        abort: Judges outcomes.
        totals: Adds up the counts.
        store: Takes outcomes.
        cancel: Once it is set, no further pair is asked.
        clock: The time.
        seconds_left: Returns the seconds until the deadline; None: there is none.
        check_every_s: Seconds between two checks.
        finish_s: After a cancel, queries in flight have this many seconds to finish.
        stops_s: So long a worker may ask that hears nothing of the command.
    """

    def __init__(
        self,
        engine: Engine,
        workers: Workers,
        *,
        authority: Authority,
        abort: JointAbort,
        totals: Totals,
        store: TaskStore,
        cancel: CancelToken,
        clock: Clock,
        seconds_left: Callable[[], float | None] = lambda: None,
        check_every_s: float = 1.0,
        finish_s: float = 10.0,
        stops_s: float = 3.0,
    ) -> None:
        self._engine, self._workers = engine, workers
        self._authority, self._abort, self._totals = authority, abort, totals
        self._store = store
        self._cancel = cancel
        self._clock = clock
        self._seconds_left = seconds_left
        self._check_every_s = check_every_s
        self._finish_s, self._stops_s = finish_s, stops_s
        self._reported: dict[str, int] = {}
        self._worker_of: dict[str, str] = {}
        self._waiting: deque[AskTask] = deque()
        self._running: dict[asyncio.Task[TaskResult], _Running] = {}
        self._failures = _Failures()
        self._failed: asyncio.Future[None] | None = None

    def receive(self, worker: str, report: dict[str, Any]) -> None:
        """Take a worker's report: answer its question, count, judge."""
        try:
            question = Question.from_json(report["question"])
            left = self._seconds_left()
            reply = self._authority.receive(
                question, self._clock.elapsed(), seconds_left=math.inf if left is None else left
            )
            if reply is not None:
                self._engine.deliver(worker, reply)
            self._judge(worker, question.member, report)
        except Exception as error:  # noqa: BLE001 - it ends the run, in the task that runs it
            if self._failed is not None and not self._failed.done():
                self._failed.set_exception(error)

    async def ask(self, tasks: Iterator[AskTask]) -> None:
        """Have tasks attempted until there is no further one, or it is cancelled.

        Raises:
            RunError: Asking further pairs would be wrong, or is not possible.
            OSError: A task cannot be written, or its outcomes cannot be read.
        """
        failed = self._failed = asyncio.get_running_loop().create_future()
        cancelled = asyncio.ensure_future(self._cancel.wait())
        more = True
        try:
            while not self._cancel.is_set():
                more = await self._fill(tasks, more=more)
                if not more and not self._running and not self._waiting:
                    return
                await asyncio.wait(
                    {*self._running, failed, cancelled},
                    timeout=self._check_every_s,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if failed.done():
                    failed.result()
                await self._collect()
                self._leave_lost_workers()
                await self._check()
            reason = self._cancel.reason or CancelReason.SIGNAL  # at a deadline all is published
            await self._halt(reason, lenient=reason is CancelReason.SIGNAL)
        except SchedulerLostError:
            self._authority.cancel = "error"
            await self._clock.sleep(self._stops_s)  # so long a worker asks on with its last lease
            await self._take_what_is_there(lenient=True)
            raise
        except BaseException:
            await self._halt("error", lenient=True)
            raise
        finally:
            cancelled.cancel()
            for each in self._running:
                each.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
            if failed.done() and not failed.cancelled():
                failed.exception()  # it was raised, or something else was

    def _judge(self, worker: str, member: str, report: dict[str, Any]) -> None:
        """Count what a member reported, and judge it."""
        if self._count(worker, member, report):
            self._abort.add(member, Outcomes.from_json(report["outcomes"]))

    def _count(self, worker: str, member: str, report: dict[str, Any]) -> bool:
        """Count what a member reported; return False if that is older than what it said last."""
        if report["number"] <= self._reported.get(member, 0):
            return False
        self._reported[member] = report["number"]
        self._worker_of[member] = worker
        self._totals.add(
            member,
            stats_from_json(report["stats"]),
            worker=worker,
            sent=report["sent"],
            left=report["left"],
            worst_second=report["worst_second"],
            host_switches=report["host_switches"],
        )
        return True

    async def _fill(self, tasks: Iterator[AskTask], *, more: bool) -> bool:
        """Give tasks to workers that have room; return whether there may be further ones."""
        await self._workers.look()
        while (worker := self._free_worker()) is not None:
            if self._waiting:
                task: AskTask | None = self._waiting.popleft()
            elif more:
                task = await asyncio.to_thread(next, tasks, None)
            else:
                return False
            if task is None:
                return False
            asking = asyncio.ensure_future(self._engine.ask(task, worker))
            self._running[asking] = _Running(task, worker, self._store.progress(task))
        return more

    def _free_worker(self) -> str | None:
        """Return the worker with the fewest tasks, of as many as there are whole shares."""
        shares = self._authority.ledger.quota
        failing = {self._worker_of.get(member) for member in self._authority.failing}
        usable = [each for each in self._workers.usable if each not in failing][:shares]
        load = dict.fromkeys(usable, 0)
        for each in self._running.values():
            if each.worker in load:
                load[each.worker] += 1
        least = min(load, key=load.__getitem__, default=None)
        return least if least is not None and load[least] < _TASKS_PER_WORKER else None

    async def _collect(self) -> None:
        """Take the results of attempts that have ended; tasks without one are asked again."""
        for asking in [each for each in self._running if each.done()]:
            try:
                result = asking.result()
            except TaskKilledError:
                result = TaskResult(end=TaskEnd.GIVEN_UP)
            if result.end is TaskEnd.FAILED and result.error is not None:
                raise result.error
            running = self._running.pop(asking)
            if result.report is not None:
                member = Question.from_json(result.report["question"]).member
                self._judge(result.worker, member, result.report)
            if result.end is TaskEnd.GIVEN_UP:  # what it has is in its journal, for the next one
                if result.outcomes is not None:
                    result.outcomes.unlink(missing_ok=True)
                if isinstance(result.error, OtherSettingsError):
                    self._workers.refuse(result.worker, str(result.error))
                self._ask_again(running, result.error)
            elif result.outcomes is not None:
                await asyncio.to_thread(self._store.take, result)

    def _leave_lost_workers(self) -> None:
        """Take tasks back from workers that are gone: only those that may be used go on."""
        usable = self._workers.usable
        for asking, running in list(self._running.items()):
            if running.worker not in usable and not asking.done():
                asking.cancel()
                del self._running[asking]
                self._ask_again(running)

    def _ask_again(self, running: _Running, error: Exception | None = None) -> None:
        task = running.task
        self._waiting.append(task)
        if not self._workers.is_refused(running.worker):
            progressed = self._store.progress(task) > running.progress
            if self._failures.add(task, progressed=progressed) >= _GIVEN_UP:
                parts = ", ".join(map(str, task.parts[:5]))
                raise RuntimeError(
                    f"the pairs of part {parts} ended {_GIVEN_UP} workers without progress"
                ) from error
        why = error or "its worker ended"
        _log.debug("task %d is asked on by another worker: %s", task.number, why)

    async def _check(self) -> None:
        """Stop where it is useless to go on."""
        stats = self._totals.stats
        self._abort.check_patience(stats.latest_error, stats.refused_certificate)
        check_reached(stats, 0.0, math.inf)
        if not self._running:
            self._workers.check()

    async def _halt(self, reason: str, *, lenient: bool) -> None:
        """Have all workers stop, and take what they have."""
        self._authority.cancel = reason
        if self._running:
            await asyncio.wait(self._running, timeout=self._finish_s + _SETTLE_S)
        await self._take_what_is_there(lenient=lenient)

    async def _take_what_is_there(self, *, lenient: bool) -> None:
        """Take the outcomes of unfinished tasks; what is in journals only, from there.

        Args:
            lenient: Whether an error is passed over: the reason of the halt is told, not what
                followed it, and the journals are kept.
        """
        for asking, running in list(self._running.items()):
            result = None
            if asking.done() and not asking.cancelled() and asking.exception() is None:
                result = asking.result()
            if result is not None and result.report is not None:
                member = Question.from_json(result.report["question"]).member
                self._count(result.worker, member, result.report)
            await self._take(running.task, result, lenient=lenient)
        for task in self._waiting:
            await self._take(task, None, lenient=lenient)

    async def _take(self, task: AskTask, result: TaskResult | None, *, lenient: bool) -> None:
        if result is not None and result.outcomes is not None:
            with suppress(OSError):  # the same is in the journals
                await asyncio.to_thread(self._store.take, result)
                return
        with suppress(*((OSError, OutputError) if lenient else ())):
            await asyncio.to_thread(self._store.restore, task)
