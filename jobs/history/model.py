"""The values that are drawn from many nights; every format renders the same ones. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from jobs.history.arrivals import Arrivals
from jobs.history.durations import Durations
from jobs.history.organizations import OrganizationHistory
from jobs.history.turns import Turns
from jobs.json_dataclass import JsonDataclass
from jobs.report.info import GatewayId

__all__ = ["Gap", "History", "Night", "Unreadable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Night(JsonDataclass):
    """One night's counts, as its report has them."""

    run_date: date
    """Its business date."""
    run_id: str
    """The run that made the report."""
    pairs: int
    """Pairs in that night's input."""
    on: int
    """Those last known to be ON: answered that night, or the last good answer before."""
    off: int
    """Those last known to be OFF."""
    none: int
    """Those last known to be NONE."""
    answered_on: int
    """Those answered ON that night."""
    unknown: int
    """Those without a good answer that night."""
    gained: int
    """OPENED and REOPENED."""
    lost: int
    """CLOSED, and CLEARED from ON."""
    hidden: int
    """REAUTHORIZED and CYCLED."""
    first_seen: int
    """Pairs answered for the first time."""
    dropped: int
    """Pairs that were in the input before, and are not in this one."""
    exit_code: int
    """What the run ended with."""
    compared_with: date | None
    """Run date of the report that it was compared with; null: it was compared with none."""
    follows: bool
    """Whether that is the report before it here. Where it is not, changes in between are missing,
    or are counted twice."""


@dataclass(frozen=True, slots=True)
class Gap(JsonDataclass):
    """Nights in a row without a report."""

    first: date
    """The first of them."""
    last: date
    """The last of them."""

    @property
    def days(self) -> int:
        """How many nights they are."""
        return (self.last - self.first).days + 1

    def dates(self) -> Iterator[date]:
        """Yield each of them."""
        yield from (self.first + timedelta(days=day) for day in range(self.days))


@dataclass(frozen=True, slots=True)
class Unreadable(JsonDataclass):
    """A night whose report cannot be used."""

    run_date: date
    """The date that its folder is named after."""
    reason: str
    """Why; the sentence names its file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History(JsonDataclass):
    """What many nights show together."""

    gateway: GatewayId
    """Who answered, and for whom; the same in every night."""
    timezone: str
    """In which the weeks of arrival begin: that of the last night's run."""
    nights: tuple[Night, ...]
    """The nights that have a report, the earliest first; at least one."""
    missing: tuple[Gap, ...]
    """The nights between the first and the last that have no usable report, the earliest first."""
    unreadable: tuple[Unreadable, ...]
    """The reports that cannot be used, the earliest first."""
    organizations: tuple[OrganizationHistory, ...]
    """Each organization, those that lost most pairs first."""
    turns: Turns
    """Who gained and lost ON, how often, and who never came back."""
    durations: Durations
    """How long an authorization lasts."""
    arrivals: Arrivals
    """How many of those who came later are ON within four weeks."""

    @property
    def first(self) -> Night:
        """The earliest night."""
        return self.nights[0]

    @property
    def last(self) -> Night:
        """The latest night."""
        return self.nights[-1]

    @property
    def run_id(self) -> str:
        """The run that made the latest report."""
        return self.last.run_id

    def lines(self) -> Iterator[Night | Gap]:
        """Yield the nights and, where some have no report, the gap, in the order of time."""
        gaps = iter((*self.missing, None))
        gap = next(gaps)
        for night in self.nights:
            while gap is not None and gap.first < night.run_date:
                yield gap
                gap = next(gaps)
            yield night
