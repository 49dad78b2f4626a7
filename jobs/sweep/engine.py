"""All pairs asked once: a function from a frame of pairs to a frame of answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import pandas as pd
import pyarrow as pa

from jobs.schema import UnknownReason
from jobs.sweep.abort import UNVERIFIED, AbortMonitor, AbortThresholds
from jobs.sweep.answers import AnswerTable, Row, is_unnamed
from jobs.sweep.canary import Canary
from jobs.sweep.cancel import CancelToken
from jobs.sweep.health import HealthCheck
from jobs.sweep.reachability import check_reached, unreachable
from jobs.sweep.stats import RequestStats
from palm import (
    ConnectError,
    ForbiddenError,
    LocalResourceError,
    PalmAuthorization,
    PalmError,
    RefusedError,
    TransientError,
    UnauthorizedError,
)

__all__ = ["Ask", "SweepRules", "sweep"]

T = TypeVar("T")

Ask = Callable[[str, str], Awaitable[PalmAuthorization]]
"""Asks about ``(openid, organization_id)``; raises PalmError where there is no good answer."""

_ONE_MORE: Final = (
    UnknownReason.NETWORK,
    UnknownReason.LOCAL,
    UnknownReason.TIMEOUT,
    UnknownReason.SERVER_ERROR,
    UnknownReason.THROTTLED,
    *UNVERIFIED,
)


_UNREACHED: Final = (ConnectError, LocalResourceError)
_MAY_CHANGE: Final = (TransientError, UnauthorizedError, ForbiddenError)


@dataclass(frozen=True, slots=True)
class SweepRules:
    """How a sweep goes, and when it stops.

    Attributes:
        concurrency: Questions under way at most.
        canary: So many pairs, of different organizations where there are, are asked first.
        replace_s: Those of them that have not settled after so long are replaced by others.
        reach_s: Give up when no connection could be made for so long at the start.
        reach_every_s: Seconds between two attempts to reach the gateway.
        finish_s: When halted, questions under way may take so long to finish.
        look_every_s: Seconds between two looks at the clock.
        abort: When going on would be wrong.
    """

    concurrency: int = 64
    canary: int = 5
    replace_s: float = 3.0
    reach_s: float = 30.0
    reach_every_s: float = 1.0
    finish_s: float = 10.0
    look_every_s: float = 1.0
    abort: AbortThresholds = field(default_factory=AbortThresholds)


async def sweep(
    ask: Ask,
    pairs: pd.DataFrame,
    *,
    stats: RequestStats,
    rules: SweepRules,
    ask_throttled: Ask | None = None,
    has_good_answer: bool = False,
    order: Iterable[int] | None = None,
    found: Iterable[Row] = (),
    note: Callable[[Row], None] | None = None,
    cancel: CancelToken | None = None,
    clock: Callable[[], float] = time.time,
    steady: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> pd.DataFrame:
    """Ask about every pair; return one row per pair, whatever happened.

    Args:
        ask: One question, with its own retries.
        pairs: Columns ``PAIRS``; any slice of them will do.
        stats: Is kept up to date while the sweep runs.
        rules: When to stop.
        ask_throttled: Asks in the last round about the pairs that were throttled again and again
            while others were answered; default ``ask``.
        has_good_answer: Whether there is a good answer already, about some other pair.
        order: Places in ``pairs``, in the order in which to ask; default that of the pairs.
        found: Answers of an earlier, unfinished sweep over the same pairs: not asked for again.
        note: Told of every outcome that asking again would not change, as it comes.
        cancel: Once it is set no pair is taken any more; those not reached are NOT_ASKED.
        clock: Unix seconds.
        steady: Seconds on a clock that never goes back.
        sleep: Waits so many seconds.

    Returns:
        Columns ``ANSWERS``, under the index of ``pairs``.

    Raises:
        RunError: Going on would be wrong: CredentialsError, NotNowError or AbortedError.
    """
    run = _Sweep(
        ask, pairs, stats=stats, rules=rules, ask_throttled=ask_throttled or ask, note=note,
        cancel=cancel or CancelToken(), clock=clock, steady=steady,
    )  # fmt: skip
    run.abort.has_good_answer = has_good_answer
    run.restore(found)
    await run.start(pairs, sleep)
    await run.ask_all(iter(range(len(pairs)) if order is None else order))
    if run.answers.count(*_ONE_MORE):
        await run.ask_all(run.answers.places(*_ONE_MORE), again=True)
    if not run.cancel.is_set():
        run.abort.check_belief(run.answers)
    return run.answers.frame(pairs.index)


class _Sweep:
    def __init__(
        self,
        ask: Ask,
        pairs: pd.DataFrame,
        *,
        stats: RequestStats,
        rules: SweepRules,
        ask_throttled: Ask,
        note: Callable[[Row], None] | None,
        cancel: CancelToken,
        clock: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        self._ask = ask
        self._ask_throttled = ask_throttled
        # Looking one text up in Arrow and in codes costs a tenth of what it costs in pandas.
        self._openids = pa.array(pairs["openid"])
        self._codes = pairs["organization_id"].cat.codes.to_numpy()
        self._categories: list[str] = pairs["organization_id"].cat.categories.tolist()
        self._stats = stats
        self._rules = rules
        self._note = note
        self._clock = clock
        self._steady = steady
        self._started = steady()
        self._done = bytearray(len(pairs))
        self.cancel = cancel
        self.abort = AbortMonitor(rules.abort, pairs["organization_id"].nunique(), steady)
        self.answers = AnswerTable(len(pairs))
        self._health = HealthCheck(self._question, self.abort, stats, rules.look_every_s)
        self._late: list[asyncio.Task[PalmError | None]] = []
        self._is_last_round = False
        self._held_back: list[int] = []
        stats.pairs += len(pairs)

    def restore(self, found: Iterable[Row]) -> None:
        """Take over what an earlier sweep found out."""
        for row in found:
            good = self.answers.restore(row) is None
            if good:
                self._stats.settled += 1
                self._stats.without_echo += is_unnamed(row)
                self._health.place = row[0]
            else:
                self._stats.failed += 1
            self._done[row[0]] = 1
            self._stats.resumed += 1
            self.abort.permit(self._organization(row[0]), good=good)

    async def start(self, pairs: pd.DataFrame, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Ask the first few pairs, and stop where it is clear that no other would fare better."""
        canary = Canary(
            self._settle,
            (
                place
                for place in _of_different_organizations(pairs)
                if not self._done[place] and not self.cancel.is_set()
            ),
            size=self._rules.canary,
            most=self._rules.concurrency,
            replace_s=self._rules.replace_s,
        )
        try:
            for errors in await self._watched([self._reach(canary, sleep)]):
                self.abort.judge_canary(errors)
        except BaseException:
            await canary.cancel()
            raise
        self._late = canary.under_way

    async def ask_all(self, places: Iterator[int], *, again: bool = False) -> None:
        """Ask about the pairs at ``places``, some at a time, however many there are."""
        self._is_last_round = again

        async def work() -> None:
            for place in places:
                if self.cancel.is_set():
                    return
                if again:
                    self._stats.failed -= 1
                elif self._done[place]:
                    continue
                await self._settle(place)

        async def settle_late(task: asyncio.Task[PalmError | None]) -> None:
            await task
            await work()

        late, self._late = self._late, []
        workers = max(1, min(self._rules.concurrency, len(self._done)) - len(late))
        await self._watched([*map(settle_late, late), *(work() for _ in range(workers))])

    async def _reach(
        self, canary: Canary, sleep: Callable[[float], Awaitable[None]]
    ) -> list[PalmError | None]:
        """Ask about the canary's pairs until the gateway is there; return their errors."""
        while True:
            outcomes = await canary.settled()
            errors = list(outcomes.values())
            if not errors or not all(isinstance(error, _UNREACHED) for error in errors):
                return errors
            if self.cancel.is_set():
                return errors
            check_reached(self._stats, self._waited_s(), self._rules.reach_s)
            if self._waited_s() >= self._rules.reach_s:
                raise unreachable(errors[0], str(errors[0]))
            self._stats.failed -= len(outcomes)
            canary.again(outcomes)
            await sleep(self._rules.reach_every_s)

    async def _watched(self, works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
        """Return what the works return, those apart that were ended some time after a cancel."""
        try:
            async with asyncio.TaskGroup() as group:
                workers = [group.create_task(work) for work in works]
                looking = group.create_task(self._look(workers, group))
                await asyncio.wait(workers)
                looking.cancel()
        except ExceptionGroup as errors:
            first = errors.exceptions[0]
        else:
            return [worker.result() for worker in workers if not worker.cancelled()]
        raise first  # out here, so that the group does not hang on as its context

    async def _look(self, workers: list[asyncio.Task[T]], group: asyncio.TaskGroup) -> None:
        """Watch the clock while the workers work; end them some time after a cancel."""
        checks: list[asyncio.Task[None]] = []
        try:
            while not self.cancel.is_set():
                self.abort.check_patience(self._stats.latest_error, self._stats.refused_certificate)
                check_reached(self._stats, self._waited_s(), self._rules.reach_s)
                if self._health.is_due:
                    checks = [group.create_task(self._health.check())]
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._rules.look_every_s):
                        await self.cancel.wait()
        finally:
            for check in checks:
                check.cancel()
        await asyncio.sleep(self._rules.finish_s)
        for worker in workers:
            worker.cancel()

    def _organization(self, place: int) -> str:
        return self._categories[int(self._codes[place])]

    def _waited_s(self) -> float:
        return self._steady() - self._started

    async def _question(self, place: int) -> PalmAuthorization:
        """Ask about a pair."""
        ask = self._how_to_ask(place)
        return await ask(self._openids[place].as_py(), self._organization(place))

    def _how_to_ask(self, place: int) -> Ask:
        """Return the question; another one for a pair that was throttled again and again before."""
        throttled = self.answers.reason(place) is UnknownReason.THROTTLED
        return self._ask_throttled if throttled else self._ask

    async def _settle(self, place: int) -> PalmError | None:
        self._stats.questions += 1
        self._done[place] = 1
        organization = self._organization(place)
        ask = self._how_to_ask(place) if self._is_last_round else self._ask
        failed: PalmError | None = None
        try:
            answer = await ask(self._openids[place].as_py(), organization)
        except PalmError as error:
            failed = error
            self.answers.fail(place, error)
            self._stats.failed += 1
        else:
            self.answers.answer(place, answer, int(self._clock() * 1000))
            self._stats.settled += 1
            self._stats.without_echo += not answer.echoed
            self._health.place = place
        if failed is None:
            self.abort.answered(place, organization)
        if failed is not None or self._held_back:
            self._write_down(place, failed)
        elif self._note is not None:  # the usual case, without a detour
            self._note(self.answers.row(place))
        if failed is not None:
            self.abort.failed(place, organization, failed)
        if self._stats.unnamed:
            self.abort.check_named(self._stats.unnamed, self._stats.answers)
        return failed

    def _write_down(self, place: int, failed: PalmError | None) -> None:
        """Note an outcome that asking again would not change.

        Before the first good answer a refusal may be about a setting; once that is mended, the same
        pair may be answered. So it waits for a good answer.
        """
        if self._note is None or not _is_final(failed):
            return
        if isinstance(failed, RefusedError) and not self.abort.has_good_answer:
            self._held_back.append(place)
            return
        if self.abort.has_good_answer and self._held_back:
            held, self._held_back = self._held_back, []
            for each in held:
                self._note(self.answers.row(each))
        self._note(self.answers.row(place))


def _is_final(error: PalmError | None) -> bool:
    """Say whether asking again, perhaps with other credentials, would change nothing."""
    return error is None or not isinstance(error, _MAY_CHANGE)


def _of_different_organizations(pairs: pd.DataFrame) -> Iterator[int]:
    """Yield all places: first pairs of different organizations, then the next ones."""
    turn = pairs.groupby("organization_id", observed=True, sort=False).cumcount().to_numpy()
    return (int(place) for place in turn.argsort(kind="stable"))
