"""A pacer of the caller's own: asked before each request; what goes wrong in it is our error."""

from __future__ import annotations

import asyncio

import pytest

from palm import ClosedError, Pacer, PacerError, RateLimiter
from palm.resilience.rate_limiter import acquire


class Failing:
    def __init__(self, error):
        self.error = error

    async def acquire(self):
        raise self.error


def test_our_own_pacer_is_one():
    assert isinstance(Pacer(5), RateLimiter)
    assert not isinstance(5, RateLimiter)


async def test_an_exception_is_named_by_its_class_only(everything_said_by):
    with pytest.raises(PacerError, match="^the pacer raised RuntimeError$") as caught:
        await acquire(Failing(RuntimeError("redis://user:hidden@host")))
    assert "hidden" not in str(caught.value)
    assert caught.value.__context__ is None


async def test_an_error_of_ours_and_a_cancellation_pass():
    for error in (ClosedError(), asyncio.CancelledError()):
        with pytest.raises(type(error)):
            await acquire(Failing(error))


async def test_what_cannot_be_awaited_is_an_error_too():
    class Blocking:
        def acquire(self):
            return True

    with pytest.raises(PacerError, match="raised TypeError"):
        await acquire(Blocking())
