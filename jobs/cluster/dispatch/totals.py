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
        self._worker: dict[str, str] = {}
        self._sent: dict[str, int] = {}
        self._left: dict[str, int] = {}
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

    def cut_off(self, there: Collection[str], unreported: int) -> int:
        """Return about how many requests were in flight when members went away.

        It is as many as in the last report of each: a member that goes on has always as many, until
        few pairs are left.

        Args:
            there: The addresses of those workers that are still there. The last member of each goes
                on; all others went away.
            unreported: So many answers the others had after their last reports.
        """
        last = {worker: member for member, worker in self._worker.items() if worker in there}
        lost = self._worker.keys() - last.values()
        in_flight = sum(max(0, self._sent[each] - self._members[each].requests) for each in lost)
        return max(0, min(in_flight, sum(self._left[each] for each in lost) - unreported))

    def add(
        self,
        member: str,
        stats: RequestStats,
        *,
        worst_second: int,
        host_switches: int,
        worker: str = "",
        sent: int = 0,
        left: int = 0,
    ) -> None:
        """Take the latest counts of a member.

        Args:
            member: Its name.
            stats: Its counts since it began.
            worst_second: The most requests that it wrote in any one second.
            host_switches: How many times it turned to the other host.
            worker: Where it is.
            sent: The requests that it has sent, answered or not.
            left: The pairs of its tasks that have no final outcome yet.
        """
        if self._has_ended:
            return
        self._members[member] = stats
        self._worker[member], self._sent[member], self._left[member] = worker, sent, left
        self._worst[member] = worst_second
        self._switches[member] = host_switches
        total = self._own
        for each in self._members.values():
            total += each
        for name in (field.name for field in fields(RequestStats)):
            setattr(self.stats, name, getattr(total, name))
