"""Answers the members' questions: shares of one rate, which follows what all of them saw."""

from __future__ import annotations

import math
from dataclasses import replace

from jobs.cluster.joint.breaker import JointBreaker
from jobs.cluster.joint.rate import JointRate
from jobs.cluster.quota.ledger import Ledger
from jobs.cluster.quota.messages import Counts, Question, Reply

__all__ = ["Authority"]


class Authority:
    """The ledger together with the rate and the breaker of all members.

    1. A pause after throttled requests lets nobody send anything; each member learns of it with its
       next reply.
    2. While the gateway is down, only one member at a time has a share. Its own breaker, which is
       open then, lets only probes through.
    3. A member that alone cannot reach the gateway gets nothing any more: its part must be asked
       about by another.

    Args:
        ledger: Whose shares they are.
        rate: The rate of all members together.
        breaker: Whether the gateway is down.

    Attributes:
        failing: Names of the members that alone cannot reach the gateway.
        cancel: Why all members are to stop; None: they go on.
    """

    def __init__(self, ledger: Ledger, rate: JointRate, breaker: JointBreaker) -> None:
        self.ledger = ledger
        self.rate = rate
        self.breaker = breaker
        self.failing: set[str] = set()
        self.cancel: str | None = None
        self._counts: dict[str, Counts] = {}

    def receive(
        self, question: Question, now: float, *, seconds_left: float = math.inf
    ) -> Reply | None:
        """Return the reply to a question, or None if a later one has been answered before.

        Args:
            question: The question.
            now: The time, on a clock that never goes back and runs while the machine sleeps.
            seconds_left: Seconds until the deadline.
        """
        if not self.ledger.is_new(question):
            return None
        self._count(question, now)
        self.ledger.rate = self.rate.rate
        reply = self.ledger.answer(
            question, now, seconds_left=seconds_left, grants=lambda name: self._grants(name, now)
        )
        if reply is None:
            return None
        cancel = "unreachable" if question.member in self.failing else self.cancel
        return replace(
            reply, pauses=self.rate.pauses, is_outage=self.breaker.is_open, cancel=cancel
        )

    def _count(self, question: Question, now: float) -> None:
        """Take what the member counted since its last question, however long ago that was."""
        member, counts = question.member, question.counts
        before = self._counts.get(member, Counts())
        self._counts[member] = counts
        self.rate.add(before, counts, now)
        self.breaker.add(member, before, counts, now)
        if self.breaker.fails_alone(member):
            self.failing.add(member)

    def _grants(self, member: str, now: float) -> bool:
        """Return True if a member may use anything now."""
        if self.cancel is not None or member in self.failing or self.rate.is_paused(now):
            return False
        if not self.breaker.is_open:
            return True
        members = [name for name in self.ledger.members if name not in self.failing]
        return self.breaker.probes(member, members, now)
