"""When the gateway is down, asking stops but for one probe at a time, and nobody is blamed."""

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

__all__ = ["Breaker", "BreakerRules"]

_log: Final = logging.getLogger("palm")
_DOWN: Final = (TransportError, ServerError)


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When asking stops.

    Attributes:
        failures: So many in a row (network, timeout, 5xx)
        silence_s: and no success for so long.
        probe_every_s: Then one request at a time goes out, so many seconds apart, until one
            succeeds.
    """

    failures: int = 20
    silence_s: float = 3.0
    probe_every_s: float = 1.0


class Breaker:
    """Lets requests through, or holds all but one back.

    Args:
        rules: When.
        clock: The time.

    Attributes:
        openings: How often it opened.
    """

    def __init__(self, rules: BreakerRules | None = None, *, clock: Clock | None = None) -> None:
        self._rules = rules or BreakerRules()
        self._clock = clock or Clock()
        self._row = 0
        self._success_at = self._clock.monotonic()
        self._opened_at: float | None = None
        self._was_open_s = 0.0
        self._probe_at = 0.0
        self._turn = asyncio.Lock()
        self.openings = 0

    @property
    def is_open(self) -> bool:
        """Whether requests are held back."""
        return self._opened_at is not None

    @property
    def open_s(self) -> float:
        """For how many seconds it was open, all in all."""
        now = 0.0 if self._opened_at is None else self._clock.monotonic() - self._opened_at
        return self._was_open_s + now

    async def enter(self) -> bool:
        """Wait until a request may go; say whether it is a probe, of which there is one at a time.

        Whoever is told so calls :meth:`leave` when the probe is over.
        """
        if self._opened_at is None:
            return False
        await self._turn.acquire()
        try:
            if self.is_open:
                await self._clock.sleep(max(0.0, self._probe_at - self._clock.monotonic()))
        except BaseException:
            self._turn.release()
            raise
        if not self.is_open:  # it closed meanwhile: all who wait go on, one after the other
            self._turn.release()
            return False
        return True

    def leave(self) -> None:
        """End a probe."""
        self._probe_at = self._clock.monotonic() + self._rules.probe_every_s
        self._turn.release()

    def note(self, error: PalmError | None) -> None:
        """Note how a request ended.

        A throttle, or what this machine lacks, says neither that the gateway is up nor down. An
        error that is the outage's or this machine's own, not the question's, is marked as such.
        """
        if isinstance(error, LocalResourceError):
            error.outage = True
            return
        if isinstance(error, ThrottledError):
            return
        now = self._clock.monotonic()
        if not isinstance(error, _DOWN):
            self._row, self._success_at = 0, now
            if self._opened_at is not None:
                _log.warning("the gateway answers again after %.0f s", now - self._opened_at)
                self._was_open_s += now - self._opened_at
                self._opened_at = None
            return
        self._row += 1
        silent = now - self._success_at >= self._rules.silence_s
        if self._opened_at is None and self._row >= self._rules.failures and silent:
            self._opened_at = now
            self._probe_at = now + self._rules.probe_every_s
            self.openings += 1
            _log.warning("the gateway is down (%s): retrying one request at a time", error)
        error.outage = self.is_open
