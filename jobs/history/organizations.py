"""Each organization over many nights: how many of its pairs are ON, and how many it lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from jobs.history.night_rows import NightRows
from jobs.history.pair_numbers import grown
from jobs.json_dataclass import JsonDataclass
from jobs.schema import Array

__all__ = ["OrganizationHistory", "OrganizationNight", "OrganizationTotals"]


@dataclass(frozen=True, slots=True)
class OrganizationNight(JsonDataclass):
    """An organization on one night."""

    run_date: date
    """The night."""
    pairs: int
    """Its pairs in that night's input."""
    on: int
    """Those last known to be ON."""


@dataclass(frozen=True, slots=True)
class OrganizationHistory(JsonDataclass):
    """An organization over many nights."""

    organization_id: str
    """Which one."""
    gained: int
    """OPENED and REOPENED, of all nights together."""
    lost: int
    """CLOSED, and CLEARED from ON, of all nights together."""
    never_back: int
    """Pairs that were lost and never came back."""
    nights: tuple[OrganizationNight, ...]
    """The nights on which it has pairs in the input, the earliest first."""


class OrganizationTotals:
    """Counts each organization's pairs from night to night."""

    def __init__(self) -> None:
        self._gained = np.array([], dtype=np.int64)
        self._lost = np.array([], dtype=np.int64)
        self._nights: list[tuple[int, Array, Array]] = []

    def observe(self, night: NightRows, organizations: int) -> None:
        """Take one more night; ``organizations`` is how many have a number."""

        def count(which: Array) -> Array:
            return np.bincount(night.organizations[which], minlength=organizations)

        self._gained = grown(self._gained, organizations, 0) + count(night.gained)
        self._lost = grown(self._lost, organizations, 0) + count(night.lost)
        self._nights.append((night.day, count(night.here), count(night.known_on)))

    def organizations(self, names: list[str], never_back: Array) -> tuple[OrganizationHistory, ...]:
        """Return what has been seen so far, those that lost most pairs first.

        Args:
            names: By number.
            never_back: The number of the organization of each pair that never came back.
        """
        gone = np.bincount(never_back, minlength=len(names))
        nights: list[list[OrganizationNight]] = [[] for _ in names]
        for day, pairs, on in self._nights:
            run_date = date.fromordinal(day)
            for number in np.flatnonzero(pairs).tolist():
                nights[number].append(
                    OrganizationNight(run_date, int(pairs[number]), int(on[number]))
                )
        found = [
            OrganizationHistory(
                name, int(self._gained[at]), int(self._lost[at]), int(gone[at]), tuple(nights[at])
            )
            for at, name in enumerate(names)
        ]
        return tuple(
            sorted(found, key=lambda each: (-each.lost, -each.gained, each.organization_id))
        )
