"""Circuit breaker: while the gateway is down, only one probe at a time is sent."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from palm.clock import Clock
from palm.errors import (
    LocalResourceError,
    PalmError,
    ServerError,
    ThrottledError,
    TransportError,
)
from palm.errors.values import check_rules
from palm.forks import reset_in_child

__all__ = ["DOWN", "Breaker", "BreakerRules"]

_log: Final = logging.getLogger("palm")
DOWN: Final = (TransportError, ServerError)
"""Errors that show that the gateway cannot be reached, or is down."""


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When the breaker opens, and how often it then probes the gateway.

    Attributes:
        failures: How many failures in a row (network, timeout, 5xx) open the breaker, at least.
        silence_s: How many seconds must have passed since the last success for it to open.
        probe_every_s: How many seconds lie between two probes while the breaker is open.

    Raises:
        SettingsError: One of them is not a number, or is too small.
    """

    failures: int = 20
    silence_s: float = 3.0
    probe_every_s: float = 1.0

    def __post_init__(self) -> None:
        check_rules(self, whole=("failures",), seconds=("silence_s", "probe_every_s"))


class Breaker:
    """Lets requests through while the gateway is up, and only probes while it is down.

    Args:
        rules: When it opens.
        clock: The time.

    Attributes:
        openings: How many times it opened.
    """

    def __init__(self, rules: BreakerRules | None = None, *, clock: Clock | None = None) -> None:
        self._rules = rules or BreakerRules()
        self._clock = clock or Clock()
        self._failures = 0
        self._success_at = self._clock.monotonic()
        self._opened_at: float | None = None
        self._was_open_s = 0.0
        self._probe_at = 0.0
        self._probe_lock = asyncio.Lock()
        self.openings: int = 0
        reset_in_child(self)

    def after_fork(self) -> None:
        """Forget the probe that another thread of the parent may have begun."""
        self._probe_lock = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """Whether requests are held back."""
        return self._opened_at is not None

    @property
    def open_s(self) -> float:
        """For how many seconds it has been open, in total."""
        now = 0.0 if self._opened_at is None else self._clock.monotonic() - self._opened_at
        return self._was_open_s + now

    async def enter(self) -> bool:
        """Wait until a request may be sent; return True if it is a probe.

        There is one probe at a time. After a probe, :meth:`leave` must be called.
        """
        if self._opened_at is None:
            return False
        await self._probe_lock.acquire()
        try:
            if self.is_open:
                await self._clock.sleep(max(0.0, self._probe_at - self._clock.monotonic()))
        except BaseException:
            self._probe_lock.release()
            raise
        if not self.is_open:  # it closed in the meantime: all waiting requests are let through
            self._probe_lock.release()
            return False
        return True

    def leave(self) -> None:
        """End a probe, so that the next one may be sent."""
        self._probe_at = self._clock.monotonic() + self._rules.probe_every_s
        self._probe_lock.release()

    def note(self, error: PalmError | None) -> None:
        """Record the result of a request; ``error`` is None if it succeeded.

        A throttled request, or a resource that this machine lacks, does not show whether the
        gateway is up. An error that an outage or this machine caused is marked: its ``outage``.
        """
        if isinstance(error, LocalResourceError):
            error.outage = True
            return
        if isinstance(error, ThrottledError):
            return
        now = self._clock.monotonic()
        if not isinstance(error, DOWN):
            self._failures, self._success_at = 0, now
            self.close()
            return
        self._failures += 1
        silent = now - self._success_at >= self._rules.silence_s
        if self._failures >= self._rules.failures and silent:
            self.open(str(error))
        error.outage = self.is_open

    def open(self, cause: str) -> None:
        """Hold requests back from now on, other than probes, if they are not held back already."""
        if self._opened_at is None:
            self._opened_at = self._clock.monotonic()
            self._probe_at = self._opened_at + self._rules.probe_every_s
            self.openings += 1
            _log.warning("the gateway is down (%s): retrying one request at a time", cause)

    def close(self) -> None:
        """Let requests through again, if they are held back."""
        if self._opened_at is not None:
            open_s = self._clock.monotonic() - self._opened_at
            _log.warning("the gateway answers again after %.0f s", open_s)
            self._was_open_s += open_s
            self._opened_at = None
