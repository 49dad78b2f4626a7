"""The counts of each organization: its states and changes, what it gained and lost. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd

from jobs.compare.counting import CHANGES, STATES, ByState, add_counts, count_table, present
from jobs.json_dataclass import Count, Defined, JsonDataclass
from jobs.schema import GAIN, HIDDEN, Array, Change, State

__all__ = ["OrganizationCounts", "count_organizations"]

_ON = STATES.index(State.ON)


@dataclass(frozen=True, slots=True)
class OrganizationCounts(JsonDataclass):
    """The counts of one organization."""

    pairs: Count
    """Pairs of the organization in the input."""
    states: ByState
    """Pairs of the organization by state."""
    changes: Annotated[dict[str, int], Defined("present_changes")]
    """Rows of the organization by change; zeros are left out."""
    lost: Count | None = None
    """Rows of the organization that are CLOSED, or CLEARED from ON."""
    pairs_before: Count | None = None
    """Pairs of the organization in the last report's input."""
    on_before: Count | None = None
    """Pairs of the organization known to be ON at the end of the last report."""
    on_after: Count | None = None
    """Pairs of the organization in this input known to be ON."""

    @property
    def is_listed(self) -> bool:
        """Whether the organization has a pair in the input or a DROPPED one."""
        return bool(self.pairs or self.changes.get(Change.DROPPED))

    @property
    def gained(self) -> int:
        """Rows of the organization that are OPENED or REOPENED."""
        return sum(self.changes.get(change, 0) for change in GAIN)

    @property
    def hidden(self) -> int:
        """Rows of the organization that are REAUTHORIZED or CYCLED."""
        return sum(self.changes.get(change, 0) for change in HIDDEN)

    @property
    def net(self) -> int | None:
        """What was gained minus what was lost; None where an earlier version wrote no loss."""
        return None if self.lost is None else self.gained - self.lost

    def __add__(self, other: OrganizationCounts) -> OrganizationCounts:
        return OrganizationCounts(
            self.pairs + other.pairs,
            add_counts(self.states, other.states, STATES),
            add_counts(self.changes, other.changes, CHANGES),
            _add(self.lost, other.lost),
            _add(self.pairs_before, other.pairs_before),
            _add(self.on_before, other.on_before),
            _add(self.on_after, other.on_after),
        )


def count_organizations(
    organizations: pd.Categorical,
    columns: Mapping[str, Array],
    was_here: Array,
    *,
    with_absent: bool = False,
) -> dict[str, OrganizationCounts]:
    """Return the counts of each organization with a pair in the input or a DROPPED one, by its id.

    Args:
        organizations: The organization of each row.
        columns: The codes of ``state``, ``known_state``, ``previous_state`` and ``change`` of each
            row.
        was_here: True in each row whose pair was in the input of the last report.
        with_absent: Whether organizations with ABSENT rows only are counted, too: in another part
            of the report they may have others.
    """
    names = list(organizations.categories)
    own, state, change = organizations.codes.astype("int64"), columns["state"], columns["change"]
    here, dropped = state >= 0, change == CHANGES.index(Change.DROPPED)
    was_on = columns["previous_state"] == _ON
    closed, cleared = (change == CHANGES.index(kind) for kind in (Change.CLOSED, Change.CLEARED))
    before = (here & was_here) | dropped

    def by_organization(which: Array) -> list[int]:
        return [int(each) for each in np.bincount(own[which], minlength=len(names))]

    states = count_table(own[here], len(names), state[here], len(STATES))
    changes = count_table(own, len(names), change, len(CHANGES))
    pairs, gone = by_organization(here), by_organization(dropped)
    lost, pairs_before = by_organization(closed | (cleared & was_on)), by_organization(before)
    on_before = by_organization(before & was_on)
    on_after = by_organization(here & (columns["known_state"] == _ON))
    rows = np.bincount(own, minlength=len(names)).tolist() if with_absent else gone
    listed = (at for at in range(len(names)) if pairs[at] or gone[at] or rows[at])
    return {
        str(names[at]): OrganizationCounts(
            pairs=pairs[at],
            states=dict(zip(STATES, states[at].tolist(), strict=True)),
            changes=present(dict(zip(CHANGES, changes[at].tolist(), strict=True))),
            lost=lost[at],
            pairs_before=pairs_before[at],
            on_before=on_before[at],
            on_after=on_after[at],
        )
        for at in sorted(listed, key=names.__getitem__)
    }


def _add(ours: int | None, theirs: int | None) -> int | None:
    """Return the sum; None where either was written by a version that did not count it."""
    return None if ours is None or theirs is None else ours + theirs
