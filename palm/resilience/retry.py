"""Retries: which queries are sent again, when, and how many times.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012081717 (which statuses may be repeated)
"""

from __future__ import annotations

import asyncio
import random as _random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from palm.errors import (
    DisconnectedError,
    LocalResourceError,
    PalmError,
    ThrottledError,
    TransientError,
    UnnamedError,
)
from palm.errors.values import check_number, check_rules, check_value

__all__ = ["Retry", "call_with_retry"]

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Retry:
    """How many times a query is sent, and how long it waits in between.

    Attributes:
        attempts: How many requests are sent at most. Throttled requests, and requests during an
            outage, are not counted. After an answer that does not name the person, only one more
            request is sent, because a gateway that omits the names does so again.
        base_s: The first wait is random, at most this many seconds. The limit doubles with each
            further wait.
        cap_s: No wait is longer than this many seconds.
        throttle_s: The wait after a throttled request, at least, in seconds. It doubles with each
            further throttled request.
        throttles: After so many throttled requests the query fails, but only if other queries were
            answered in the meantime: if all are throttled, the quota is the reason.
        adapts: Whether the query's first throttled request may lower the rate of all queries;
            later ones never do.
        patience_s: A query that was throttled, or met an outage, fails after so many seconds.
        max_elapsed_s: No request is sent again later than so many seconds after the query began; a
            query whose next wait would end later fails at once. None: there is no such limit.

    Raises:
        SettingsError: One of them is not a number, or is too small.
    """

    attempts: int = 5
    base_s: float = 0.2
    cap_s: float = 20.0
    throttle_s: float = 1.0
    throttles: int = 8
    adapts: bool = True
    patience_s: float = 900.0
    max_elapsed_s: float | None = None

    def __post_init__(self) -> None:
        seconds = ("base_s", "cap_s", "throttle_s", "patience_s")
        check_rules(self, whole=("attempts", "throttles"), seconds=seconds)
        if self.max_elapsed_s is not None:
            check_number("max_elapsed_s", self.max_elapsed_s)
        check_value("adapts", self.adapts, "True or False", is_right=isinstance(self.adapts, bool))


class _RetryState:
    """The failures of one query so far; its three methods are what tenacity calls."""

    def __init__(
        self,
        retry: Retry,
        answers: Callable[[], int],
        random: Callable[[], float],
        elapsed: Callable[[], float],
    ) -> None:
        self._retry = retry
        self._elapsed = elapsed
        self._answers = answers
        self._random = random
        self._answers_before = answers()
        self._others_answered = False
        self._failures = 0
        self._throttles = 0
        self._outages = 0
        self._local = 0
        self._unnamed = 0
        self._disconnected = False

    def transient(self, error: BaseException) -> bool:
        """Count the failure; return True if the query may be sent again."""
        self._local += isinstance(error, LocalResourceError)
        if isinstance(error, ThrottledError):
            self._throttles += 1
            answers = self._answers()
            self._others_answered = answers > self._answers_before
            self._answers_before = answers
        elif isinstance(error, PalmError) and error.outage:
            self._outages += 1
        else:
            self._failures += 1
            self._unnamed += isinstance(error, UnnamedError)
        return isinstance(error, TransientError)

    def enough(self, state: RetryCallState) -> bool:
        """Return True if the query has failed for good."""
        if self._failures >= self._retry.attempts or self._unnamed > 1:
            return True
        if self._throttles >= self._retry.throttles and self._others_answered:
            return True
        longest_s = self._retry.max_elapsed_s
        if longest_s is not None and self._elapsed() + state.upcoming_sleep > longest_s:
            return True
        waited = state.seconds_since_start or 0.0
        return self._throttles + self._outages > 0 and waited >= self._retry.patience_s

    def wait(self, state: RetryCallState) -> float:
        """Return the seconds to wait before the next request."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, ThrottledError):
            least = max(
                error.retry_after_s or 0.0,
                self._doubled(self._retry.throttle_s, self._throttles),
            )
            return least * (1 + self._random())
        if isinstance(error, DisconnectedError) and not self._disconnected:
            self._disconnected = True  # most likely the gateway had closed a kept-alive connection
            return 0.0
        times = self._local if isinstance(error, LocalResourceError) else self._failures
        return self._doubled(self._retry.base_s, times) * self._random()

    def _doubled(self, first_s: float, times: int) -> float:
        # No float is larger than 2 ** 1024; the cap applies long before.
        return min(first_s * 2.0 ** min(times - 1, 60), self._retry.cap_s)


async def call_with_retry(
    ask: Callable[[], Awaitable[T]],
    retry: Retry,
    *,
    answers: Callable[[], int] = lambda: 0,
    sleep: Sleep = asyncio.sleep,
    random: Callable[[], float] = _random.random,
    elapsed: Callable[[], float] | None = None,
) -> T:
    """Return what ``ask()`` returns, calling it again after transient errors.

    Args:
        ask: Sends one request, signed anew, in its own slot; raises PalmError.
        retry: How many times, and how long to wait.
        answers: Returns how many queries of the client have been answered. It distinguishes a
            query that is always throttled from a gateway that throttles all queries.
        sleep: Waits for a number of seconds.
        random: Returns a random number between 0 and 1, evenly distributed.
        elapsed: Returns the seconds since the query began; None: it begins now.

    Raises:
        PalmError: The last one that ``ask`` raised.
    """
    if elapsed is None:
        began_at = time.monotonic()

        def elapsed() -> float:
            return time.monotonic() - began_at

    try:
        return await ask()
    except TransientError as error:
        first: TransientError | None = error  # only failures pay for the code below

    async def again() -> T:
        nonlocal first
        if first is not None:
            error, first = first, None
            raise error
        return await ask()

    retry_state = _RetryState(retry, answers, random, elapsed)
    retrying = AsyncRetrying(
        retry=retry_if_exception(retry_state.transient),
        stop=retry_state.enough,
        wait=retry_state.wait,
        sleep=sleep,
        reraise=True,
    )
    return await retrying(again)
