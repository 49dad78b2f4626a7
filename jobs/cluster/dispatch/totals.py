"""The counts of all workers together, as if one process had asked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields

from jobs.sweep.stats import RequestStats

__all__ = ["Totals"]


class Totals:
    """Adds up what the members counted, into the counts of the command.

    Args:
        stats: The command's own counts, which are kept up to date from here on.

    Attributes:
        stats: The counts of all.
        worst_second: At most so many requests were written in any one second, as far as the members
            know, each for itself.
    """

    def __init__(self, stats: RequestStats) -> None:
        self.stats = stats
        self._own = stats + RequestStats()
        self._members: dict[str, RequestStats] = {}
        self._sent: dict[str, tuple[str, int]] = {}
        self._worst: dict[str, int] = {}
        self._switches: dict[str, int] = {}
        self._has_ended = False

    def end(self) -> None:
        """Make the counts final: a report that is still on its way changes nothing."""
        self._has_ended = True

    @property
    def worst_second(self) -> int:
        """The sum of the members' worst seconds, which may be different ones."""
        return sum(self._worst.values())

    @property
    def host_switches(self) -> int:
        """How many times a member turned to the other host."""
        return sum(self._switches.values())

    def in_flight_elsewhere(self, workers: Collection[str]) -> int:
        """Return how many requests had been sent and not answered when they were last heard of.

        Args:
            workers: The addresses of those workers that are still there; all others count.
        """
        return sum(
            max(0, sent - self._members[member].requests)
            for member, (worker, sent) in self._sent.items()
            if worker not in workers
        )

    def add(
        self,
        member: str,
        stats: RequestStats,
        *,
        worst_second: int,
        host_switches: int,
        worker: str = "",
        sent: int = 0,
    ) -> None:
        """Take the latest counts of a member.

        Args:
            member: Its name.
            stats: Its counts since it began.
            worst_second: The most requests that it wrote in any one second.
            host_switches: How many times it turned to the other host.
            worker: Where it is.
            sent: The requests that it has sent, answered or not.
        """
        if self._has_ended:
            return
        self._members[member] = stats
        self._sent[member] = worker, sent
        self._worst[member] = worst_second
        self._switches[member] = host_switches
        total = self._own
        for each in self._members.values():
            total += each
        for name in (field.name for field in fields(RequestStats)):
            setattr(self.stats, name, getattr(total, name))
