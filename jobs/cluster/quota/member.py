"""One process that asks the gateway under a lease: what it asks for, and what it may use now."""

from __future__ import annotations

from jobs.cluster.quota.messages import Counts, Question, Reply
from jobs.cluster.quota.rules import LeaseRules
from jobs.errors import AbortedError
from palm.clock import Clock, Expiry

__all__ = ["LeaseLostError", "Member"]


class LeaseLostError(AbortedError):
    """This process had no lease for too long: the command or the network between is down."""


class Member:
    """Knows the share of one process and asks for it again and again.

    Args:
        name: No other member ever has it, also not an earlier one of the same process.
        clock: The time of the process.
        rules: The waiting times.

    Attributes:
        name: Name of the member.
        reply: The latest reply that counted; None before the first one.
    """

    def __init__(
        self, name: str, *, clock: Clock | None = None, rules: LeaseRules | None = None
    ) -> None:
        self.name = name
        self.reply: Reply | None = None
        self._clock = clock or Clock()
        self._rules = rules or LeaseRules()
        self._seq = 0
        self._sent_elapsed = self._sent_wall = 0.0
        self._due_at = self._clock.elapsed()
        self._lease: Expiry | None = None
        self._lost_at: float | None = None

    @property
    def lease(self) -> Expiry | None:
        """Until when :attr:`share` may be used; None: there is no lease, or it has ended."""
        if self._lease is not None and self._lease.has_passed(self._clock):
            return None
        return self._lease

    @property
    def share(self) -> int:
        """Requests that may be sent in any one second; 0 without a lease."""
        return 0 if self.lease is None or self.reply is None else self.reply.share

    @property
    def rate(self) -> float:
        """Requests per second at which they are spaced; 0 without a share."""
        return self.reply.rate if self.share and self.reply is not None else 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time for a question."""
        return self._clock.elapsed() >= self._due_at

    def question(self, want: int | None, counts: Counts | None = None) -> Question:
        """Return the next question, which is sent now; no reply to an earlier one counts then.

        Args:
            want: The share that could be used; None: whatever there is.
            counts: What this process saw.
        """
        now = self._clock.elapsed()
        if self.lease is None:
            # For good: the wall clock may be set back, and the command is told now that it ended.
            self._lease = None
            self._lost_at = now if self._lost_at is None else self._lost_at
        self._seq += 1
        self._sent_elapsed, self._sent_wall = now, self._clock.wall()
        self._due_at = now + self._rules.every_s
        return Question(self.name, self._seq, self.share, want, counts or Counts())

    def leave(self) -> Question:
        """Return the last question, which gives the share up; nothing may be sent from now on."""
        self._lease = None
        return self.question(0)

    def receive(self, reply: Reply) -> bool:
        """Take over a reply; return True if it is the one to the latest question, and holds still.

        A lower share is confirmed at once: the next question is due.
        """
        if reply.member != self.name or reply.seq != self._seq:
            return False
        lease = Expiry(self._sent_elapsed + reply.lease_s, self._sent_wall + reply.lease_s)
        if lease.has_passed(self._clock):
            return False
        if reply.share < self.share:
            self._due_at = self._clock.elapsed()
        self.reply, self._lease, self._lost_at = reply, lease, None
        return True

    def check(self) -> None:
        """Stop where there was no lease for too long.

        Raises:
            LeaseLostError: There was none.
        """
        if self._lost_at is None:
            return
        seconds = self._clock.elapsed() - self._lost_at
        if seconds >= self._rules.lost_s:
            raise LeaseLostError(
                f"its worker had no share of the quota for {seconds:.0f} s: the network between it "
                "and the command, or one of the two, stood still"
            )
