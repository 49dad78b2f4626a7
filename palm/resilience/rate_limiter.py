"""What a client needs of a pacer: to wait until a request may be sent."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from palm.errors import PacerError, PalmError

__all__ = ["ConfirmingRateLimiter", "RateLimiter", "acquire", "confirm"]


@runtime_checkable
class RateLimiter(Protocol):
    """What ``pacer=`` takes: :class:`palm.Pacer`, or a pacer of your own, e.g. for many machines.

    ``aiolimiter.AsyncLimiter`` is one, too. One that also has ``confirm``
    (:class:`ConfirmingRateLimiter`) is asked a second time when a request is about to be written.
    Only :class:`palm.Pacer` lowers its rate when requests are throttled.
    """

    async def acquire(self) -> object:
        """Wait until one request may be sent. It must not block; it may be cancelled."""


@runtime_checkable
class ConfirmingRateLimiter(RateLimiter, Protocol):
    """A pacer of your own whose permission may end before the request is written.

    For example, a quota shared by many machines is used on a lease, and a process that was stopped
    or slept must not write anything after its lease has ended.
    """

    def confirm(self) -> bool:
        """Return True if a request that was let through may be written now. It must not block.

        Otherwise, the request waits in :meth:`acquire` once more, and is then signed anew.
        """


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


def confirm(limiter: ConfirmingRateLimiter) -> bool:
    """Return True if a request that was let through may be written now.

    Raises:
        PacerError: The caller's own pacer raised an exception, of which only the class is told.
    """
    try:
        return bool(limiter.confirm())
    except PalmError:
        raise
    except Exception as error:  # noqa: BLE001 - the caller's own code
        name = type(error).__name__
    raise PacerError(f"the pacer raised {name}")  # outside: the original is not chained
