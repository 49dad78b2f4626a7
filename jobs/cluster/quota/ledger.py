"""Who may use how much of the quota. The command keeps it; times are passed in. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jobs.cluster.quota.messages import Question, Reply
from jobs.cluster.quota.rules import LeaseRules

__all__ = ["Ledger", "fair_shares"]


def fair_shares(quota: int, wants: Mapping[str, int | None]) -> dict[str, int]:
    """Return whole shares of a quota, max-min fair: nobody has more while another has too little.

    Args:
        quota: The sum of the shares is at most this number.
        wants: What each member could use; None: whatever it gets. Who stands first gets the shares
            that cannot be divided.
    """
    shares: dict[str, int] = {}
    left = quota
    by_want = sorted(wants.items(), key=lambda each: math.inf if each[1] is None else each[1])
    for place, (member, want) in enumerate(by_want):
        share = math.ceil(left / (len(wants) - place))
        shares[member] = share if want is None else min(want, share)
        left -= shares[member]
    return shares


@dataclass(slots=True)
class _Account:
    """What the ledger knows of one member.

    Attributes:
        seq: Number of its latest question.
        want: What it could use; None: whatever it gets.
        reserved: What it may be using, at most.
        expires_at: When its lease has ended for certain.
    """

    seq: int = 0
    want: int | None = None
    reserved: int = 0
    expires_at: float = -math.inf


class Ledger:
    """Grants shares of one quota such that all members together never use more.

    1. Shares are whole. The quota is the rate without its fraction, and at least 1: below 1 request
       a second, one member has the only share, and spaces its requests by the rate.
    2. What is reserved for a member is raised only out of what is neither reserved nor held, and
       lowered only when the member confirms that it uses less, or when its lease has ended.
    3. What is given up, or whose lease ended, is held back before it is granted again.
    4. A lease ends later here than for the member, which counts from its question.
    5. Another command may have granted shares before: at first, nothing is granted.
    6. A member uses no more than is reserved for it, and nothing once its lease has ended: a
       question that names more was sent before, and waited on the way.

    Args:
        rate: Requests per second of all members together.
        started_at: A time at which no other command granted anything any more.
        rules: The waiting times.

    Attributes:
        rate: Requests per second of all members together. A lower one holds for a member as soon as
            it has its next reply.
        most_reserved: The highest sum of what was reserved or held so far.
    """

    def __init__(self, rate: float, *, started_at: float, rules: LeaseRules | None = None) -> None:
        self._rules = rules or LeaseRules()
        self._grants_from = started_at + self._rules.settled_s
        self._accounts: dict[str, _Account] = {}
        self._holds: list[tuple[float, int]] = []
        self._lapsed: set[str] = set()
        self.rate: float = rate
        self.most_reserved: int = 0

    @property
    def quota(self) -> int:
        """The sum of all shares, at most."""
        return max(1, math.floor(self.rate))

    @property
    def members(self) -> list[str]:
        """The names of the members that have a lease, or had one until just now."""
        return list(self._accounts)

    def is_new(self, question: Question) -> bool:
        """Return True if no later question of the same member has come before."""
        account = self._accounts.get(question.member)
        return account is None or question.seq > account.seq

    def answer(
        self,
        question: Question,
        now: float,
        *,
        seconds_left: float = math.inf,
        grants: Callable[[str], bool] = lambda _: True,
    ) -> Reply | None:
        """Return the reply to a question, or None if a later question has been answered before.

        Args:
            question: The question.
            now: The time, on a clock that never goes back.
            seconds_left: Seconds until the deadline, which no lease outlasts.
            grants: Whether a member, by its name, may use anything now; none may during a pause.
        """
        self._expire(now)
        if not self.is_new(question):
            return None
        using = self._used(question)
        account = self._accounts.setdefault(question.member, _Account())
        self._hold(account.reserved - using, now)
        account.seq, account.want = question.seq, question.want
        account.reserved = using
        lease_s = min(self._rules.lease_s, max(0.0, seconds_left))
        may_grant = lease_s > 0 and now >= self._grants_from
        share = self._share(question.member, account, grants) if may_grant else 0
        account.reserved = max(account.reserved, share)
        account.expires_at = now + lease_s + self._rules.drift_s
        self.most_reserved = max(self.most_reserved, self.quota - self._available())
        rate = min(float(share), self.rate)
        return Reply(question.member, question.seq, share, rate, lease_s)

    def _used(self, question: Question) -> int:
        """Return what a member may be using of the quota, as it says."""
        account = self._accounts.get(question.member)
        if account is not None:
            return min(question.using, account.reserved)
        return 0 if question.member in self._lapsed else question.using

    def _share(self, member: str, account: _Account, grants: Callable[[str], bool]) -> int:
        wants = {name: each.want for name, each in self._accounts.items() if grants(name)}
        fair = fair_shares(self.quota, wants).get(member, 0)
        if fair <= account.reserved:
            return fair
        return account.reserved + max(0, min(fair - account.reserved, self._available()))

    def _available(self) -> int:
        """Return the shares that are neither reserved nor held; negative after the rate fell."""
        reserved = sum(account.reserved for account in self._accounts.values())
        return self.quota - reserved - sum(shares for _, shares in self._holds)

    def _hold(self, shares: int, since: float) -> None:
        """Hold shares back. Below 1 request a second, its spacing holds across members, too."""
        if shares > 0:
            margin_s = self._rules.hold_s - 1.0
            self._holds.append((since + max(1.0, 1 / self.rate) + margin_s, shares))

    def _expire(self, now: float) -> None:
        for name, account in list(self._accounts.items()):
            if now >= account.expires_at:
                self._hold(account.reserved, account.expires_at)
                del self._accounts[name]
                self._lapsed.add(name)
        self._holds = [(until, shares) for until, shares in self._holds if until > now]
