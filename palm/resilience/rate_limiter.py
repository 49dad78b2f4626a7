"""What a client needs of a pacer: to wait until a request may be sent."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from palm.errors import PacerError, PalmError

__all__ = ["RateLimiter", "acquire"]


@runtime_checkable
class RateLimiter(Protocol):
    """What ``pacer=`` takes: :class:`palm.Pacer`, or a pacer of your own, e.g. for many machines.

    ``aiolimiter.AsyncLimiter`` is one, too. Only :class:`palm.Pacer` checks a request a second time
    when it is written, and lowers its rate when requests are throttled.
    """

    async def acquire(self) -> object:
        """Wait until one request may be sent. It must not block; it may be cancelled."""


async def acquire(limiter: RateLimiter) -> None:
    """Wait until a request may be sent.

    Raises:
        PacerError: The caller's own pacer raised an exception, of which only the class is told.
    """
    try:
        await limiter.acquire()
    except PalmError:
        raise
    except Exception as error:  # noqa: BLE001 - the caller's own code
        name = type(error).__name__
    else:
        return
    raise PacerError(f"the pacer raised {name}")  # outside: the original is not chained
