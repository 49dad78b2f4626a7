"""All pairs asked once: a function from a frame of pairs to a frame of answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Final, Protocol

import pandas as pd

from jobs.input.lookup import PairLookup
from jobs.schema import UnknownReason
from jobs.sweep.abort.health_check import HealthCheck
from jobs.sweep.abort.monitor import UNVERIFIED, AbortMonitor
from jobs.sweep.abort.reachability import check_reached, unreachable_error
from jobs.sweep.answers import AnswerTable, Row, is_unnamed
from jobs.sweep.canary import Canary
from jobs.sweep.cancel import CancelToken
from jobs.sweep.final_outcomes import FinalOutcomes
from jobs.sweep.rules import SweepRules
from jobs.sweep.stats import RequestStats
from jobs.sweep.supervisor import Supervisor
from palm import Clock, ConnectError, LocalResourceError, PalmAuthorization, PalmError

__all__ = ["Query", "sweep"]


class Query(Protocol):
    """Asks about one pair, with its own retries."""

    async def __call__(self, openid: str, organization_id: str) -> PalmAuthorization:
        """Return the answer; raise PalmError if there is no good one."""


_LAST_ROUND: Final = (
    UnknownReason.NETWORK,
    UnknownReason.LOCAL,
    UnknownReason.TIMEOUT,
    UnknownReason.SERVER_ERROR,
    UnknownReason.THROTTLED,
    *UNVERIFIED,
)
"""Pairs that are UNKNOWN for one of these reasons are asked once more at the end."""
_NO_CONNECTION: Final = (ConnectError, LocalResourceError)


async def sweep(
    query: Query,
    pairs: pd.DataFrame,
    *,
    stats: RequestStats,
    rules: SweepRules,
    query_throttled: Query | None = None,
    has_good_answer: bool = False,
    order: Iterable[int] | None = None,
    resumed: Iterable[Row] = (),
    on_final: Callable[[Row], None] = lambda _: None,
    cancel: CancelToken | None = None,
    clock: Clock | None = None,
) -> pd.DataFrame:
    """Ask about every pair; return one row per pair, whatever happened.

    Args:
        query: Asks about one pair.
        pairs: Columns ``PAIRS``; any slice of them.
        stats: Is kept up to date while the sweep runs.
        rules: When to stop.
        query_throttled: Asks in the last round about the pairs that were throttled again and again
            while others were answered. Default: ``query``.
        has_good_answer: Whether there is already a good answer, about some other pair.
        order: Indexes into ``pairs``, in the order in which to ask. Default: the order of the
            pairs.
        resumed: Answers of an earlier, unfinished sweep over the same pairs, which are not asked
            again.
        on_final: Called with every outcome that asking again would not change, as it comes.
        cancel: Once it is set, no further pairs are asked; those not asked are NOT_ASKED.
        clock: The time.

    Returns:
        Columns ``ANSWERS``, under the index of ``pairs``.

    Raises:
        RunError: Asking further pairs would be wrong: CredentialsError, NotNowError or
            AbortedError.
    """
    run = _Sweep(
        query, pairs, stats=stats, rules=rules, query_throttled=query_throttled or query,
        on_final=on_final, cancel=cancel or CancelToken(), clock=clock or Clock(),
    )  # fmt: skip
    run.abort.has_good_answer = has_good_answer
    run.restore(resumed)
    await run.ask_canary(pairs)
    await run.ask_all(iter(range(len(pairs)) if order is None else order))
    if run.answers.count(*_LAST_ROUND):
        await run.ask_all(run.answers.indexes(*_LAST_ROUND), again=True)
    if not run.cancel.is_set():
        run.abort.check_verified(run.answers)
    return run.answers.frame(pairs.index)


class _Sweep:
    def __init__(
        self,
        query: Query,
        pairs: pd.DataFrame,
        *,
        stats: RequestStats,
        rules: SweepRules,
        query_throttled: Query,
        on_final: Callable[[Row], None],
        cancel: CancelToken,
        clock: Clock,
    ) -> None:
        self._query = query
        self._query_throttled = query_throttled
        self._pairs = PairLookup(pairs)
        self._stats = stats
        self._rules = rules
        self._clock = clock
        self._started = clock.monotonic()
        self._is_done = bytearray(len(pairs))
        self.cancel = cancel
        self.abort = AbortMonitor(rules.abort, pairs["organization_id"].nunique(), clock)
        self.answers = AnswerTable(len(pairs))
        self._final = FinalOutcomes(on_final, self.answers, self.abort)
        self._health = HealthCheck(self._ask, self.abort, stats, rules.check_every_s)
        self._supervisor = Supervisor(
            self._check, cancel, check_every_s=rules.check_every_s, finish_s=rules.finish_s
        )
        self._late: list[asyncio.Task[PalmError | None]] = []
        self._is_last_round = False
        stats.pairs += len(pairs)

    def restore(self, rows: Iterable[Row]) -> None:
        """Take over the outcomes of an earlier sweep."""
        for row in rows:
            is_good = self.answers.restore(row) is None
            if is_good:
                self._stats.answered += 1
                self._stats.without_echo += is_unnamed(row)
                self._health.index = row.pair_index
            else:
                self._stats.failed += 1
            self._is_done[row.pair_index] = 1
            self._stats.resumed += 1
            self.abort.restored(self._pairs.organization(row.pair_index), is_good=is_good)

    async def ask_canary(self, pairs: pd.DataFrame) -> None:
        """Ask the first few pairs, and stop where the others would clearly fail in the same way."""
        canary = Canary(
            self._settle,
            (
                index
                for index in _of_different_organizations(pairs)
                if not self._is_done[index] and not self.cancel.is_set()
            ),
            size=self._rules.canary,
            most=self._rules.concurrency,
            replace_s=self._rules.replace_s,
        )
        try:
            for errors in await self._supervisor.run([self._reach(canary)]):
                self.abort.judge_canary(errors)
        except BaseException:
            await canary.cancel()
            raise
        self._late = canary.in_flight

    async def ask_all(self, indexes: Iterator[int], *, again: bool = False) -> None:
        """Ask about the pairs at ``indexes``, with at most ``concurrency`` queries in flight."""
        self._is_last_round = again

        async def work() -> None:
            for index in indexes:
                if self.cancel.is_set():
                    return
                if again:
                    self._stats.failed -= 1
                elif self._is_done[index]:
                    continue
                await self._settle(index)

        async def finish_canary(task: asyncio.Task[PalmError | None]) -> None:
            await task
            await work()

        late, self._late = self._late, []
        workers = max(1, min(self._rules.concurrency, len(self._is_done)) - len(late))
        await self._supervisor.run([*map(finish_canary, late), *(work() for _ in range(workers))])

    async def _reach(self, canary: Canary) -> list[PalmError | None]:
        """Ask the canary's pairs until the gateway can be reached; return their errors."""
        while True:
            outcomes = await canary.outcomes()
            errors = list(outcomes.values())
            if not errors or not all(isinstance(error, _NO_CONNECTION) for error in errors):
                return errors
            if self.cancel.is_set():
                return errors
            check_reached(self._stats, self._waited_s(), self._rules.reach_s)
            if self._waited_s() >= self._rules.reach_s:
                raise unreachable_error(errors[0], str(errors[0]))
            self._stats.failed -= len(outcomes)
            canary.repeat(outcomes)
            await self._clock.sleep(self._rules.reach_every_s)

    def _check(self) -> Coroutine[None, None, None] | None:
        """Stop where it is useless to go on; return a health check where one is due."""
        self.abort.check_patience(self._stats.latest_error, self._stats.refused_certificate)
        check_reached(self._stats, self._waited_s(), self._rules.reach_s)
        return self._health.run() if self._health.is_due else None

    def _waited_s(self) -> float:
        return self._clock.monotonic() - self._started

    def _query_for(self, index: int) -> Query:
        """Return how to ask a pair in the last round."""
        is_throttled = self.answers.reason(index) is UnknownReason.THROTTLED
        return self._query_throttled if is_throttled else self._query

    async def _ask(self, index: int) -> PalmAuthorization:
        """Ask about a pair, for the health check."""
        return await self._query_for(index)(*self._pairs[index])

    async def _settle(self, index: int) -> PalmError | None:
        """Ask about a pair and store the outcome; return its error, or None for a good answer."""
        self._stats.queries += 1
        self._is_done[index] = 1
        openid, organization = self._pairs[index]
        query = self._query_for(index) if self._is_last_round else self._query
        failure: PalmError | None = None
        try:
            answer = await query(openid, organization)
        except PalmError as error:
            failure = error
            self.answers.fail(index, error)
            self._stats.failed += 1
        else:
            self.answers.answer(index, answer, int(self._clock.wall() * 1000))
            self._stats.answered += 1
            self._stats.without_echo += not answer.echoed
            self._health.index = index
            self.abort.answered(index, organization)
        self._final.add(index, failure)
        if failure is not None:
            self.abort.failed(index, organization, failure)
        if self._stats.unnamed:
            self.abort.check_named(self._stats.unnamed, self._stats.answers)
        return failure


def _of_different_organizations(pairs: pd.DataFrame) -> Iterator[int]:
    """Yield all indexes: first pairs of different organizations, then the remaining ones."""
    turn = pairs.groupby("organization_id", observed=True, sort=False).cumcount().to_numpy()
    return (int(index) for index in turn.argsort(kind="stable"))
