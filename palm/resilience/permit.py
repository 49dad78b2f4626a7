"""The permission to send one request, checked again when the request is about to be written."""

from __future__ import annotations

from palm.clock import Clock
from palm.resilience.pacer import Pacer
from palm.resilience.rate_limiter import ConfirmingRateLimiter, acquire, confirm

__all__ = ["ConfirmedPermit", "Permit"]


class Permit:
    """The permission of a pacer to send one request.

    Args:
        pacer: The pacer that let the request through just now; None: requests are not paced.
        clock: The time; the pacer's clock if there is a pacer.

    Attributes:
        granted_at: When the request was let through; after a second wait, the end of that wait.
        written_at: When the request was written; None: it has not been written.
    """

    __slots__ = ("_clock", "_pacer", "_slot", "granted_at", "written_at")

    def __init__(self, pacer: Pacer | None, *, clock: Clock) -> None:
        self._pacer = pacer
        self._clock = clock
        self._slot: float | None = None
        self.granted_at: float = clock.monotonic()
        self.written_at: float | None = None

    def use(self) -> bool:
        """Record that the request is written now; return False if it must wait: :meth:`renew`."""
        if self._pacer is None:
            self.written_at = self._clock.monotonic()
        elif self._slot is None:
            self.written_at = self._pacer.write()
        else:
            self.written_at = self._pacer.write_late()
            self._slot = None
        return self.written_at is not None

    async def renew(self) -> None:
        """Wait until the request may be written, before all requests not let through yet."""
        self.return_slot()
        if self._pacer is not None:
            self._slot = await self._pacer.second_slot()
            self.granted_at = self._clock.monotonic()

    def return_slot(self) -> None:
        """Give back the slot that :meth:`renew` took, if the request was not written in it."""
        if self._pacer is not None and self._slot is not None:
            self._pacer.return_slot(self._slot)
        self._slot = None


class ConfirmedPermit(Permit):
    """The permission of a pacer of the caller's own, which is asked again.

    Args:
        limiter: The pacer that let the request through just now.
        clock: The time.
    """

    __slots__ = ("_limiter",)

    def __init__(self, limiter: ConfirmingRateLimiter, *, clock: Clock) -> None:
        super().__init__(None, clock=clock)
        self._limiter = limiter

    def use(self) -> bool:
        """Record that the request is written now; return False if it must wait: :meth:`renew`.

        Raises:
            PacerError: The caller's own pacer raised an exception.
        """
        return confirm(self._limiter) and super().use()

    async def renew(self) -> None:
        """Wait until the pacer lets the request through once more.

        Raises:
            PacerError: The caller's own pacer raised an exception.
        """
        await acquire(self._limiter)
        self.granted_at: float = self._clock.monotonic()
