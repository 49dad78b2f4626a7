"""What is asked again, when, and how often.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012081717 (which statuses may be repeated)
"""

from __future__ import annotations

import asyncio
import random as _random
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

__all__ = ["Retry", "call_with_retry"]

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Retry:
    """How persistently a question is asked.

    Attributes:
        attempts: Requests at most; throttled ones, and those in an outage, are not counted. An
            answer that names nobody is asked for once more and no further: a gateway that leaves
            the names out of one answer leaves them out of the next as well.
        base_s: The first wait is random up to this, and each further one up to twice as long,
        cap_s: but never longer than this.
        throttle_s: Wait at least this long after a throttle, twice as long after each further one.
        throttles: A question that was throttled so often is given up, but only where others are
            answered meanwhile: where everybody is throttled, the quota is the reason.
        adapts: Whether the question's first throttle counts for the pace of all; no later one does.
        patience_s: A question that met a throttle or an outage is given up after so long.
    """

    attempts: int = 5
    base_s: float = 0.2
    cap_s: float = 20.0
    throttle_s: float = 1.0
    throttles: int = 8
    adapts: bool = True
    patience_s: float = 900.0


class _Trial:
    """One question's failures so far, in the three forms in which tenacity asks for them."""

    def __init__(
        self, retry: Retry, answers: Callable[[], int], random: Callable[[], float]
    ) -> None:
        self._retry = retry
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
        """Count the failure; say whether the question may be asked again at all."""
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
        """Say whether to give up."""
        if self._failures >= self._retry.attempts or self._unnamed > 1:
            return True
        if self._throttles >= self._retry.throttles and self._others_answered:
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
            self._disconnected = True  # most likely a kept-alive connection that had gone stale
            return 0.0
        times = self._local if isinstance(error, LocalResourceError) else self._failures
        return self._doubled(self._retry.base_s, times) * self._random()

    def _doubled(self, first_s: float, times: int) -> float:
        # Beyond 2 ** 1023 there is no float; long before, the cap holds.
        return min(first_s * 2.0 ** min(times - 1, 60), self._retry.cap_s)


async def call_with_retry(
    ask: Callable[[], Awaitable[T]],
    retry: Retry,
    *,
    answers: Callable[[], int] = lambda: 0,
    sleep: Sleep = asyncio.sleep,
    random: Callable[[], float] = _random.random,
) -> T:
    """Return what ``ask()`` returns, asking again after transient errors.

    Args:
        ask: Sends one request, signed anew, in its own slot; raises PalmError.
        retry: How often, and how long to wait.
        answers: How many questions were answered so far, of all that are asked; by it a question
            that is always throttled is told from a gateway that throttles everybody.
        sleep: Waits so many seconds.
        random: Evenly between 0 and 1.

    Raises:
        PalmError: The last one that ``ask`` raised.
    """
    try:
        return await ask()
    except TransientError as error:
        first: TransientError | None = error  # only failures pay for the machinery below

    async def again() -> T:
        nonlocal first
        if first is not None:
            error, first = first, None
            raise error
        return await ask()

    trial = _Trial(retry, answers, random)
    retrying = AsyncRetrying(
        retry=retry_if_exception(trial.transient),
        stop=trial.enough,
        wait=trial.wait,
        sleep=sleep,
        reraise=True,
    )
    return await retrying(again)
