"""Keeps a client's pacer within its lease: asks, takes replies, and stops what lost its lease."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from jobs.cluster.quota.member import Member
from jobs.cluster.quota.messages import Question, Reply
from jobs.cluster.worker.demand import Demand
from jobs.cluster.worker.results import CountedBreaker, CountedThrottles, counts_of
from palm import Clock, Pacer
from palm.resilience.pacer import ENDED

__all__ = ["LeaseAgent"]

_POLL_S: Final = 0.05


class LeaseAgent:
    """The member of one client, in the event loop of that client.

    Args:
        member: Asks for the share.
        send: Sends a question to the command; it must not block.
        has_more: Returns True while there are pairs that have not been asked about.
        clock: The client's clock.

    Attributes:
        pacer: The client's pacer; it lets nothing through without a lease.
        throttles: The client's adaptation.
        breaker: The client's breaker.
        cancel: Why this process is to stop; None: it goes on.
    """

    def __init__(
        self,
        member: Member,
        send: Callable[[Question], None],
        has_more: Callable[[], bool],
        *,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or Clock()
        self._member = member
        self._send = send
        self._has_more = has_more
        self._demand = Demand()
        self.pacer: Pacer = Pacer(1.0, clock=self._clock)
        self.pacer.lease = ENDED
        self.throttles: CountedThrottles = CountedThrottles(self.pacer)
        self.breaker: CountedBreaker = CountedBreaker(clock=self._clock)
        self.cancel: str | None = None

    async def run(self) -> None:
        """Ask for a share until it is cancelled; then give it up.

        Raises:
            LeaseLostError: There was no lease for too long.
        """
        try:
            while True:
                if self._member.is_due:
                    self._ask()
                self._member.check()
                await asyncio.sleep(_POLL_S)
        finally:
            self.pacer.lease = ENDED
            self._send(self._member.leave())

    def receive(self, reply: Reply) -> None:
        """Take a reply over; one that does not count changes nothing."""
        if not self._member.receive(reply):
            return
        self.cancel = reply.cancel
        self.throttles.follow(reply, self.pacer.now())
        self.breaker.follow(reply)
        if self._member.share:
            self.pacer.rate = self._member.rate
        self._apply()
        if self._member.is_due:
            self._ask()

    def _ask(self) -> None:
        want = self._demand.want(
            self._clock.monotonic(),
            granted=self.pacer.granted,
            waiting=self.pacer.waiting,
            has_more=self._has_more(),
        )
        question = self._member.question(want, counts_of(self.throttles, self.breaker))
        self._apply()  # before the command learns of it: a lease that ended has ended for good
        self._send(question)

    def _apply(self) -> None:
        lease = self._member.lease if self._member.share else None
        self.pacer.lease = lease or ENDED
