"""All pairs asked once: a function from pairs to answers, both by partition."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from functools import partial
from typing import Final

from jobs.partitions.partitioned import PartitionedFrame, frames
from jobs.schema import UnknownReason
from jobs.sweep.abort.health_check import HealthCheck
from jobs.sweep.abort.monitor import UNVERIFIED, AbortMonitor
from jobs.sweep.abort.reachability import check_reached, unreachable_error
from jobs.sweep.asking import PairAsker, Query
from jobs.sweep.blocks.bands import not_asked
from jobs.sweep.blocks.block import Block, Slice
from jobs.sweep.blocks.feed import BlockFeed
from jobs.sweep.blocks.outcomes import OutcomesInMemory
from jobs.sweep.blocks.restored import Restored
from jobs.sweep.canary import Canary
from jobs.sweep.cancel import CancelToken
from jobs.sweep.final_outcomes import FinalOutcomes, OnFinal
from jobs.sweep.rules import SweepRules
from jobs.sweep.stats import RequestStats
from jobs.sweep.supervisor import Supervisor
from palm import Clock, ConnectError, LocalResourceError, PalmError

__all__ = ["LAST_ROUND", "ask_first", "sweep"]


LAST_ROUND: Final = (
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
    pairs: PartitionedFrame,
    *,
    stats: RequestStats,
    rules: SweepRules,
    query_throttled: Query | None = None,
    has_good_answer: bool = False,
    slices: Iterable[Slice] | None = None,
    restored: Restored | None = None,
    on_final: OnFinal = lambda *_: None,
    cancel: CancelToken | None = None,
    clock: Clock | None = None,
) -> PartitionedFrame:
    """Ask about every pair; return one row per pair, whatever happened.

    Args:
        query: Asks about one pair.
        pairs: Columns ``PAIRS``; any slice of them.
        stats: Is kept up to date while the sweep runs.
        rules: When to stop.
        query_throttled: Asks in the last round about the pairs that were throttled again and again
            while others were answered. Default: ``query``.
        has_good_answer: Whether there is already a good answer, about some other pair.
        slices: The pairs to ask about, in their order. Default: all that have no answer yet.
        restored: Answers of an earlier sweep over the same pairs, which are not asked again, and
            the place of this one's outcomes. Default: there are none, and the pairs are in memory.
        on_final: Called with every outcome that asking again would not change, as it comes.
        cancel: Once it is set, no further pairs are asked; those not asked are NOT_ASKED.
        clock: The time.

    Returns:
        Columns ``ANSWERS``, under the index of ``pairs``.

    Raises:
        RunError: Asking further pairs would be wrong: CredentialsError, NotNowError or
            AbortedError.
        OSError: A partition, or its outcomes, cannot be read or written.
    """
    restored = Restored(OutcomesInMemory(pairs)) if restored is None else restored
    outcomes = restored.outcomes
    run = _Sweep(
        query, pairs, stats=stats, rules=rules, query_throttled=query_throttled or query,
        on_final=on_final, cancel=cancel or CancelToken(), clock=clock or Clock(),
    )  # fmt: skip
    run.abort.has_good_answer = has_good_answer
    run.restore(restored)
    slices = not_asked(pairs, outcomes) if slices is None else slices
    round_ = partial(BlockFeed, outcomes, least=rules.block, in_threads=pairs.bits > 0)
    async with round_(slices, again=False) as feed:
        await run.ask_canary(feed)
        await run.ask_all(feed)
    if outcomes.count(*LAST_ROUND):
        run.abort.begin_last_round()
        async with round_(outcomes.slices(*LAST_ROUND), again=True) as feed:
            await run.ask_all(feed, again=True)
    if not run.cancel.is_set():
        asked = len(pairs) - outcomes.count(UnknownReason.NOT_ASKED)
        run.abort.check_verified(outcomes.count(*UNVERIFIED), asked)
    return outcomes.frames()


async def ask_first(
    query: Query,
    pairs: PartitionedFrame,
    *,
    stats: RequestStats,
    rules: SweepRules,
    slices: Iterable[Slice],
    restored: Restored,
    has_good_answer: bool = False,
    on_final: OnFinal = lambda *_: None,
    cancel: CancelToken,
    clock: Clock,
) -> AbortMonitor:
    """Ask about the first few pairs only, and return what judged them; others ask about the rest.

    Args:
        query: Asks about one pair.
        pairs: Columns ``PAIRS``; any slice of them.
        stats: Is kept up to date.
        rules: When to stop.
        slices: The pairs to ask about, in their order.
        restored: Answers of an earlier sweep over the same pairs, and the place of these.
        has_good_answer: Whether there is already a good answer, about some other pair.
        on_final: Called with every outcome that asking again would not change, as it comes.
        cancel: Once it is set, no further pairs are asked.
        clock: The time.

    Raises:
        RunError: Asking further pairs would be wrong.
        OSError: A partition, or its outcomes, cannot be read or written.
    """
    run = _Sweep(
        query, pairs, stats=stats, rules=rules, query_throttled=query,
        on_final=on_final, cancel=cancel, clock=clock,
    )  # fmt: skip
    run.abort.has_good_answer = has_good_answer
    run.restore(restored)
    async with BlockFeed(restored.outcomes, slices, least=1, again=False, in_threads=True) as feed:
        await run.ask_canary(feed)
        await run.finish_canary(feed)
    return run.abort


class _Sweep:
    def __init__(
        self,
        query: Query,
        pairs: PartitionedFrame,
        *,
        stats: RequestStats,
        rules: SweepRules,
        query_throttled: Query,
        on_final: OnFinal,
        cancel: CancelToken,
        clock: Clock,
    ) -> None:
        self._stats = stats
        self._rules = rules
        self._clock = clock
        self._started = clock.monotonic()
        self._workers = max(1, min(rules.concurrency, len(pairs)))
        self.cancel = cancel
        self.abort = AbortMonitor(rules.abort, _organizations(pairs), clock)
        self._asker = PairAsker(
            query, query_throttled, stats=stats, judge=self.abort,
            final=FinalOutcomes(on_final, self.abort), cancel=cancel, clock=clock,
        )  # fmt: skip
        self._health = HealthCheck(query, self.abort, stats, rules.check_every_s)
        self._supervisor = Supervisor(
            self._check, cancel, check_every_s=rules.check_every_s, finish_s=rules.finish_s
        )
        self._late: list[Coroutine[None, None, None]] = []
        stats.pairs += len(pairs)

    def restore(self, restored: Restored) -> None:
        """Take over the outcomes of an earlier sweep."""
        self._stats.answered += restored.good
        self._stats.without_echo += restored.unnamed
        self._stats.failed += restored.failed
        self._stats.resumed += len(restored)
        self._asker.pair = restored.pair
        for organization in restored.organizations:
            self.abort.restored(organization, is_good=restored.good > 0)

    async def ask_canary(self, feed: BlockFeed) -> None:
        """Ask the first few pairs, and stop where the others would clearly fail in the same way."""
        block = feed.current
        if block is None:
            return
        canary = Canary(
            partial(self._asker.settle, block),
            (
                index
                for index in block.of_different_organizations()
                if not block.is_done[index] and not self.cancel.is_set()
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
        for task in canary.in_flight:
            block.workers += 1
            self._late.append(_finish(feed, block, task))

    async def finish_canary(self, feed: BlockFeed) -> None:
        """Wait for the canary's queries that are in flight, and save the outcomes of all."""
        late, self._late = self._late, []
        if late:
            await self._supervisor.run(late)
        await feed.finish()

    async def ask_all(self, feed: BlockFeed, *, again: bool = False) -> None:
        """Ask about all pairs of a round, with at most ``concurrency`` queries in flight."""

        async def finish_canary(late: Coroutine[None, None, None]) -> None:
            await late
            await self._asker.work(feed, again=again)

        late, self._late = self._late, []
        workers = max(1, self._workers - len(late))
        works = (self._asker.work(feed, again=again) for _ in range(workers))
        await self._supervisor.run([*map(finish_canary, late), *works])
        await feed.finish()

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
        self._health.pair = self._asker.pair
        return self._health.run() if self._health.is_due else None

    def _waited_s(self) -> float:
        return self._clock.monotonic() - self._started


async def _finish(feed: BlockFeed, block: Block, task: asyncio.Task[PalmError | None]) -> None:
    """Wait for a query of the canary about a pair of a block, and leave the block."""
    try:
        await task
    finally:
        feed.leave(block)


def _organizations(pairs: PartitionedFrame) -> int:
    """Return how many different organizations there are; 2 if there are more."""
    found: set[str] = set()
    for frame in frames(pairs):
        found.update(frame["organization_id"].unique())
        if len(found) > 1:
            return 2
    return len(found)
