"""Admission control: when a client's next request may be sent, and what its result changes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Self

from palm.clock import Clock
from palm.errors import PalmError, SettingsError, ThrottledError, TransientError
from palm.resilience.adaptive_rate import Adaptation, AdaptationRules
from palm.resilience.breaker import Breaker, BreakerRules
from palm.resilience.pacer import Pacer
from palm.resilience.permit import ConfirmedPermit, Permit
from palm.resilience.rate_limiter import ConfirmingRateLimiter, RateLimiter, acquire

__all__ = ["Admission"]


@dataclass(slots=True)
class Admission:
    """The pacer, the adaptive rate and the circuit breaker of one client, used together.

    Attributes:
        pacer: Spaces requests under the quota; None: requests are not paced.
        adaptation: Lowers and raises the pacer's rate; None: the rate stays as it is.
        breaker: Holds requests back while the gateway is down; None: never.
        answers: How many requests have been answered, with whatever result.
        limiter: A pacer of the caller's own; None: there is none.
        confirming: The same one if it is asked again when a request is written; None: it is not.
    """

    pacer: Pacer | None = None
    adaptation: Adaptation | None = None
    breaker: Breaker | None = None
    answers: int = 0
    limiter: RateLimiter | None = None
    confirming: ConfirmingRateLimiter | None = None

    @classmethod
    def of(
        cls,
        *,
        rate: float | None,
        pacer: RateLimiter | None,
        adaptation: AdaptationRules | Adaptation | None,
        breaker: BreakerRules | Breaker | None,
        clock: Clock,
    ) -> Self:
        """Return the admission control that a client's options describe; see ``AsyncPalm``.

        Raises:
            SettingsError: The options contradict each other.
        """
        if pacer is not None and rate is not None:
            raise SettingsError("rate and pacer contradict each other: a pacer has a rate")
        if isinstance(breaker, BreakerRules):
            breaker = Breaker(breaker, clock=clock)
        if pacer is not None and not isinstance(pacer, Pacer):
            if adaptation is not None:
                raise SettingsError("adaptation lowers the rate of a palm.Pacer only")
            confirming = pacer if isinstance(pacer, ConfirmingRateLimiter) else None
            return cls(None, None, breaker, limiter=pacer, confirming=confirming)
        own = _own_pacer(rate, pacer, clock)
        if not isinstance(adaptation, Adaptation):
            adaptation = Adaptation(own, adaptation) if own is not None else None
        elif adaptation.pacer is not own:
            raise SettingsError("an Adaptation needs its own pacer: pass that, too")
        return cls(own, adaptation, breaker)

    async def enter(self) -> bool:
        """Wait until a request may be sent; return True if it is a probe of the circuit breaker.

        After a probe :meth:`leave` must be called.

        Raises:
            PacerError: The caller's own pacer raised an exception.
        """
        limiter = self.limiter or self.pacer
        while True:
            is_probe = self.breaker is not None and await self.breaker.enter()
            if limiter is not None:
                try:
                    await acquire(limiter)
                except (asyncio.CancelledError, PalmError):
                    if is_probe:
                        self.leave()
                    raise
            if is_probe or self.breaker is None or not self.breaker.is_open:
                return is_probe

    def permit(self, clock: Clock) -> Permit:
        """Return the permit of a request that was let through just now."""
        if self.confirming is not None:
            return ConfirmedPermit(self.confirming, clock=clock)
        return Permit(self.pacer, clock=clock)

    def leave(self) -> None:
        """End a probe, so that the next one may be sent."""
        if self.breaker is not None:
            self.breaker.leave()

    def record(
        self, permit: Permit, error: PalmError | None, now: float, *, adapts: bool = True
    ) -> None:
        """Record the result of a request.

        Args:
            permit: The request's permit.
            error: What went wrong; None: the request was answered and the answer verified.
            now: The time on the monotonic clock.
            adapts: Whether the result may change the rate.
        """
        if not isinstance(error, TransientError):
            self.answers += 1
        if self.adaptation is not None and permit.written_at is not None and adapts:
            throttle = error if isinstance(error, ThrottledError) else None
            self.adaptation.answered(
                sent=permit.written_at,
                now=now,
                throttled=throttle is not None,
                retry_after_s=throttle.retry_after_s if throttle else None,
            )
        if self.breaker is not None:
            self.breaker.note(error)


def _own_pacer(rate: float | None, pacer: Pacer | None, clock: Clock) -> Pacer | None:
    if pacer is None:
        return None if rate is None else Pacer(rate, clock=clock)
    if pacer.clock.monotonic != clock.monotonic:
        raise SettingsError("the pacer reads another clock than the client: pass it, too")
    return pacer
