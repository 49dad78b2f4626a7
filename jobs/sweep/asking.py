"""Asks about the pairs of blocks, with many queries in flight, and stores the outcomes."""

from __future__ import annotations

from typing import Protocol

from jobs.schema import UnknownReason
from jobs.sweep.blocks.block import Block
from jobs.sweep.blocks.feed import BlockFeed
from jobs.sweep.cancel import CancelToken
from jobs.sweep.final_outcomes import FinalOutcomes
from jobs.sweep.stats import RequestStats
from palm import Clock, Pair, PalmAuthorization, PalmError

__all__ = ["Judge", "PairAsker", "Query"]


class Query(Protocol):
    """Asks about one pair, with its own retries."""

    async def __call__(self, openid: str, organization_id: str) -> PalmAuthorization:
        """Return the answer; raise PalmError if there is no good one."""


class Judge(Protocol):
    """Hears of every outcome; it may raise an error, which stops the sweep."""

    def answered(self, organization: str) -> None:
        """Note that a pair of an organization has a good answer."""

    def failed(self, pair: Pair, error: PalmError) -> None:
        """Note that a pair has no good answer."""

    def check_named(self, unnamed: int, answers: int) -> None:
        """Judge how many of all verified answers were refused because they name no pair."""


class PairAsker:
    """Asks about pairs and stores their outcomes in the blocks.

    Args:
        query: Asks about one pair.
        query_throttled: Asks in the last round about a pair that was throttled before.
        stats: Is kept up to date.
        judge: Hears of every outcome.
        final: Passes on outcomes that asking again would not change.
        cancel: Once it is set, no further pair is asked.
        clock: The time.

    Attributes:
        pair: The last pair with a good answer, or None if there is none.
    """

    def __init__(
        self,
        query: Query,
        query_throttled: Query,
        *,
        stats: RequestStats,
        judge: Judge,
        final: FinalOutcomes,
        cancel: CancelToken,
        clock: Clock,
    ) -> None:
        self._query = query
        self._query_throttled = query_throttled
        self._stats = stats
        self._judge = judge
        self._final = final
        self._cancel = cancel
        self._clock = clock
        self.pair: Pair | None = None

    async def work(self, feed: BlockFeed, *, again: bool = False) -> None:
        """Ask about pairs of a round, one at a time, until none is left or it is cancelled.

        Args:
            feed: Hands out the blocks; many callers work on one feed side by side.
            again: Whether the pairs were asked before.

        Raises:
            RunError: Asking further pairs would be wrong.
            OSError: A block cannot be read or written.
        """
        while await self._ask_block(feed, again=again):
            pass

    async def _ask_block(self, feed: BlockFeed, *, again: bool) -> bool:
        """Ask about pairs of a block while there are any; return False if that was the last."""
        if (block := await feed.enter()) is None:
            return False
        try:
            for index in block.turn:
                if self._cancel.is_set():
                    return False
                if again:
                    self._stats.failed -= 1
                elif block.is_done[index]:
                    continue
                await self.settle(block, index, again=again)
            feed.exhausted(block)
        finally:
            feed.leave(block)
        return True

    async def settle(self, block: Block, index: int, *, again: bool = False) -> PalmError | None:
        """Ask about a pair and store the outcome; return its error, or None for a good answer."""
        self._stats.queries += 1
        block.is_done[index] = 1
        pair = block.pairs[index]
        query = self._query_for(block, index) if again else self._query
        failure, signed = None, None
        try:
            answer = await query(*pair)
        except PalmError as error:
            failure = error.with_traceback(None)  # its frames would keep the block in memory
            block.answers.fail(index, error)
            self._stats.failed += 1
        else:
            block.answers.answer(index, answer, int(self._clock.wall() * 1000))
            signed = answer.signed
            self._stats.answered += 1
            self._stats.without_echo += not answer.echoed
            self.pair = pair
            self._judge.answered(pair.organization_id)
        self._final.add(block, index, pair, failure, signed)
        if failure is not None:
            self._judge.failed(pair, failure)
        if self._stats.unnamed:
            self._judge.check_named(self._stats.unnamed, self._stats.answers)
        return failure

    def _query_for(self, block: Block, index: int) -> Query:
        """Return how to ask a pair in the last round."""
        is_throttled = block.answers.reason(index) is UnknownReason.THROTTLED
        return self._query_throttled if is_throttled else self._query
