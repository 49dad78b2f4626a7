"""All pairs asked once: a function from a frame of pairs to a frame of answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import pandas as pd

from jobs.answers import AnswerBook
from jobs.exits import Exit, Stop
from jobs.frames import UnknownReason
from jobs.tally import Tally
from palm import (
    ConnectError,
    ForbiddenError,
    PalmAuthorization,
    PalmError,
    RefusedError,
    SignatureError,
    SignatureReason,
    StateError,
    UnauthorizedError,
)
from palm.diagnosis import diagnose

__all__ = ["Ask", "SweepRules", "sweep"]

Ask = Callable[[str, str], Awaitable[PalmAuthorization]]
"""Asks about ``(openid, organization_id)``; raises PalmError where there is no good answer."""

_UNBELIEVED = (UnknownReason.SIGNATURE, UnknownReason.MISMATCH, UnknownReason.BAD_BODY)
_ONE_MORE = (
    UnknownReason.NETWORK,
    UnknownReason.TIMEOUT,
    UnknownReason.SERVER_ERROR,
    *_UNBELIEVED,
)


@dataclass(frozen=True, slots=True)
class SweepRules:
    """When a sweep goes on and when it stops.

    Attributes:
        concurrency: Questions under way at most.
        canary: So many pairs, of different organizations where there are, are asked first.
        reach_s: Give up when no connection could be made for so long at the start.
        reach_every_s: Seconds between two attempts to reach the gateway.
        unbelieved_share: Stop when more than this part of the pairs,
        unbelieved_least: and at least so many, have answers that are not believed at the end.
    """

    concurrency: int = 64
    canary: int = 5
    reach_s: float = 30.0
    reach_every_s: float = 1.0
    unbelieved_share: float = 0.001
    unbelieved_least: int = 5


async def sweep(
    ask: Ask,
    pairs: pd.DataFrame,
    *,
    tally: Tally,
    rules: SweepRules,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> pd.DataFrame:
    """Ask about every pair; return one row per pair, whatever happened.

    Args:
        ask: One question, with its own retries.
        pairs: Columns ``PAIRS``; any slice of them will do.
        tally: Is kept up to date while the sweep runs.
        rules: When to stop.
        clock: Unix seconds.
        sleep: Waits so many seconds.

    Returns:
        Columns ``ANSWERS``, under the index of ``pairs``.

    Raises:
        Stop: Going on would be wrong: refused (77), unreachable (75), not believed (4 or 77).
    """
    run = _Sweep(ask, pairs, tally, rules, clock)
    canary = list(_of_different_organizations(pairs, rules.canary))
    await run.start(canary, sleep)
    asked = set(canary)
    await run.ask_all(place for place in range(len(pairs)) if place not in asked)
    await run.ask_all(run.book.places(*_ONE_MORE), again=True)
    run.check_belief()
    return run.book.frame(pairs.index)


class _Sweep:
    def __init__(
        self,
        ask: Ask,
        pairs: pd.DataFrame,
        tally: Tally,
        rules: SweepRules,
        clock: Callable[[], float],
    ) -> None:
        self._ask = ask
        self._openids = pairs["openid"].array
        self._organizations = pairs["organization_id"].array
        self._enough = min(2, pairs["organization_id"].nunique())  # a slice may hold but one
        self._tally = tally
        self._rules = rules
        self._clock = clock
        self._watching = False
        self._unauthorized: set[int] = set()
        self._forbidden: set[str] = set()
        self._permitted: set[str] = set()
        self._refused_signatures: dict[int, SignatureError] = {}
        self.book = AnswerBook(len(pairs))
        tally.pairs += len(pairs)

    async def start(self, canary: list[int], sleep: Callable[[float], Awaitable[None]]) -> None:
        """Ask the first few pairs, and stop where it is clear that no other would fare better."""
        patience = self._clock() + self._rules.reach_s
        while True:
            errors = await asyncio.gather(*(self._settle(place) for place in canary))
            if not errors or not all(isinstance(error, ConnectError) for error in errors):
                break
            if self._clock() >= patience:
                raise Stop(Exit.NOT_NOW, f"the gateway could not be reached: {errors[0]}")
            self._tally.failed -= len(canary)
            await sleep(self._rules.reach_every_s)
        failed = [error for error in errors if error is not None]
        for error in failed:
            if isinstance(error, UnauthorizedError):
                raise _refused(error)
        for kind in (ForbiddenError, SignatureError):
            if failed and all(isinstance(error, kind) for error in errors):
                raise _refused(failed[0])
        self._watching = True

    async def ask_all(self, places: Iterator[int], *, again: bool = False) -> None:
        """Ask about the pairs at ``places``, some at a time, however many there are."""

        async def work() -> None:
            for place in places:
                if again:
                    self._tally.failed -= 1
                await self._settle(place)

        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(self._rules.concurrency):
                    workers.create_task(work())
        except* Stop as stops:
            first = stops.exceptions[0]
        else:
            return
        raise first

    async def _settle(self, place: int) -> PalmError | None:
        self._tally.questions += 1
        openid, organization = self._openids[place], self._organizations[place]
        try:
            answer = await self._ask(openid, organization)
        except PalmError as error:
            self.book.fail(place, error)
            self._tally.failed += 1
            self._note(place, organization, error)
            return error
        self._permitted.add(organization)
        self._refused_signatures.pop(place, None)
        self.book.answer(place, answer, int(self._clock() * 1000))
        self._tally.settled += 1
        self._tally.without_echo += not answer.echoed
        return None

    def _note(self, place: int, organization: str, error: PalmError) -> None:
        """Remember what an error says about the whole run; stop where it says enough."""
        if isinstance(error, SignatureError):
            self._refused_signatures[place] = error
        elif isinstance(error, UnauthorizedError):
            self._unauthorized.add(place)
            if self._watching and len(self._unauthorized) > 1:
                raise _refused(error)
        elif isinstance(error, ForbiddenError):
            self._forbidden.add(organization)
            if self._watching and not self._permitted and len(self._forbidden) >= self._enough:
                raise _refused(error)
        elif isinstance(error, RefusedError | StateError):
            self._permitted.add(organization)

    def check_belief(self) -> None:
        """Stop where too many answers are not believed: somebody else may be answering."""
        asked = len(self.book) - self.book.count(UnknownReason.NOT_ASKED)
        unbelieved = self.book.count(*_UNBELIEVED)
        rules = self._rules
        if unbelieved < rules.unbelieved_least or unbelieved <= rules.unbelieved_share * asked:
            return
        unknown = [
            error
            for error in self._refused_signatures.values()
            if error.reason is SignatureReason.UNKNOWN_SERIAL
        ]
        if 2 * len(unknown) > unbelieved:
            raise _refused(unknown[0])
        raise Stop(
            Exit.STOPPED,
            f"the answers about {unbelieved:,} of {asked:,} pairs are not believed, which is more "
            "than chance explains: check base_url, proxies and keys, then run again",
        )


def _refused(error: PalmError) -> Stop:
    return Stop(Exit.REFUSED, diagnose(error))


def _of_different_organizations(pairs: pd.DataFrame, count: int) -> Iterator[int]:
    """Yield up to ``count`` places: first pairs of different organizations, then the next ones."""
    turn = pairs.groupby("organization_id", observed=True, sort=False).cumcount().to_numpy()
    return (int(place) for place in turn.argsort(kind="stable")[:count])
