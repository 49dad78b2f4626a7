"""The counts of a report's rows: states, changes, transitions, roll-forward.

Pure, and plain: a :class:`Summary` holds integers and dictionaries only, and every format renders
the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from datetime import date
from typing import Annotated, ClassVar, Final, TypeAlias

import numpy as np
import pandas as pd

from jobs.compare.counting import (
    CHANGES,
    STATES,
    ByState,
    add_counts,
    count,
    count_table,
    present,
)
from jobs.compare.organizations import OrganizationCounts, count_organizations
from jobs.json_dataclass import Count, Defined, JsonDataclass, Readers
from jobs.schema import GAIN, HIDDEN, Array, Change, State, UnknownReason, codes

__all__ = [
    "NEVER",
    "NOT_IN_INPUT",
    "ByChange",
    "ByKnown",
    "ByState",
    "OrganizationCounts",
    "RollForward",
    "Summary",
    "summarize",
    "summarize_part",
]

NEVER: Final = "never"
"""Used in place of a known state for a pair that was never answered."""
NOT_IN_INPUT: Final = "not_in_input"

_GOOD: Final = STATES[: STATES.index(State.UNKNOWN)]
_KNOWN: Final = [*_GOOD, NEVER]
_ANSWERED: Final = [*STATES, NOT_IN_INPUT]

ByKnown: TypeAlias = Annotated[dict[str, int], Defined("known")]
ByChange: TypeAlias = Annotated[dict[str, int], Defined("changes")]
_Transitions: TypeAlias = Annotated[dict[str, dict[str, int]], Defined("transitions")]


@dataclass(frozen=True, slots=True)
class RollForward(JsonDataclass):
    """The roll-forward of one state."""

    opening: Count
    """Pairs known to be in this state at the end of the last report."""
    first_seen: Count
    """Pairs answered for the first time."""
    returned: Count
    """Pairs that the last report's input lacked and that are back, by their last known state."""
    moved_in: Count
    """Pairs that came from another state."""
    moved_out: Count
    """Pairs that went to another state."""
    dropped: Count
    """Pairs no longer in the input."""
    closing: Count
    """Pairs of this input known to be in this state."""

    def __add__(self, other: RollForward) -> RollForward:
        flows = zip(astuple(self), astuple(other), strict=True)
        return RollForward(*(own + more for own, more in flows))


@dataclass(frozen=True, slots=True)
class Summary(JsonDataclass):
    """The counts of the rows."""

    pairs: Count
    """Pairs in the input."""
    states: ByState
    """Pairs in the input by state as answered in this run."""
    known: ByKnown
    """Pairs in the input by their last known state."""
    changes: ByChange
    """All rows by change."""
    unknown_reasons: Annotated[dict[str, int], Defined("unknown_reasons")]
    """UNKNOWN pairs by reason; zeros are left out."""
    gain: Count
    """Rows that are OPENED or REOPENED."""
    loss: Count
    """Rows that are CLOSED, or CLEARED from ON."""
    hidden: Count
    """Rows that are REAUTHORIZED or CYCLED."""
    transitions: _Transitions
    """All rows by the last known state before, then by state in this run."""
    transitions_without_absent: _Transitions
    """The transitions without the ABSENT rows."""
    roll_forward: Annotated[dict[str, RollForward], Defined("roll_forward")]
    """How the number of pairs known to be in each state moved from the last report to this one:
    closing = opening + first_seen + returned + moved_in - moved_out - dropped."""
    by_organization: dict[str, OrganizationCounts]
    """Counts of each organization with a pair in the input or a DROPPED one, sorted by its id."""

    _READ: ClassVar[Readers] = {
        "roll_forward": lambda flows: {s: RollForward.from_json(f) for s, f in flows.items()},
        "by_organization": lambda counts: {
            name: OrganizationCounts.from_json(own) for name, own in counts.items()
        },
    }

    @classmethod
    def empty(cls) -> Summary:
        """Return the counts of no rows, the neutral element of the addition."""
        rows = dict.fromkeys(_ANSWERED, 0)
        return cls(
            pairs=0,
            states=dict.fromkeys(STATES, 0),
            known=dict.fromkeys(_KNOWN, 0),
            changes=dict.fromkeys(CHANGES, 0),
            unknown_reasons={},
            gain=0,
            loss=0,
            hidden=0,
            transitions={known: dict(rows) for known in _KNOWN},
            transitions_without_absent={known: dict(rows) for known in _KNOWN},
            roll_forward={state: RollForward(0, 0, 0, 0, 0, 0, 0) for state in _GOOD},
            by_organization={},
        )

    def listed(self) -> Summary:
        """Return the counts without organizations that have ABSENT rows only."""
        listed = {name: own for name, own in self.by_organization.items() if own.is_listed}
        return replace(self, by_organization=listed)

    def __add__(self, other: Summary) -> Summary:
        """Return the counts of the rows of both: those of two parts that share no pair."""
        ours, theirs = self.by_organization, other.by_organization
        shared = {name: ours[name] + theirs[name] for name in ours.keys() & theirs.keys()}
        organizations = {**ours, **theirs, **shared}
        return Summary(
            pairs=self.pairs + other.pairs,
            states=add_counts(self.states, other.states, STATES),
            known=add_counts(self.known, other.known, _KNOWN),
            changes=add_counts(self.changes, other.changes, CHANGES),
            unknown_reasons=add_counts(self.unknown_reasons, other.unknown_reasons, UnknownReason),
            gain=self.gain + other.gain,
            loss=self.loss + other.loss,
            hidden=self.hidden + other.hidden,
            transitions=_sum_rows(self.transitions, other.transitions),
            transitions_without_absent=_sum_rows(
                self.transitions_without_absent, other.transitions_without_absent
            ),
            roll_forward={
                state: flow + other.roll_forward[state] for state, flow in self.roll_forward.items()
            },
            by_organization={name: organizations[name] for name in sorted(organizations)},
        )


def summarize(rows: pd.DataFrame, *, baseline_run_date: date | None) -> Summary:
    """Return the counts of a report.

    Args:
        rows: Columns ``ROWS``, as :func:`jobs.compare.changes.classify` returns them, or as read
            back.
        baseline_run_date: Run date of the report compared with; None: there was none.
    """
    return summarize_part(rows, baseline_run_date=baseline_run_date).listed()


def summarize_part(rows: pd.DataFrame, *, baseline_run_date: date | None) -> Summary:
    """Return the counts of a part of a report; their sum is that of the report once ``listed``.

    Args:
        rows: Columns ``ROWS``; no other part has one of their pairs.
        baseline_run_date: Run date of the report compared with; None: there was none.
    """
    columns = {
        name: codes(rows, name)
        for name in ("state", "known_state", "previous_state", "change", "unknown_reason")
    }
    state, known, previous, change, reason = columns.values()
    here, absent = state >= 0, change == CHANGES.index(Change.ABSENT)
    was = np.where(previous >= 0, previous, _KNOWN.index(NEVER))
    now = np.where(here, state, _ANSWERED.index(NOT_IN_INPUT))
    by_change = count(change, CHANGES)
    cleared_from_on = (change == CHANGES.index(Change.CLEARED)) & (was == _GOOD.index(State.ON))
    unknown = here & (state == STATES.index(State.UNKNOWN)) & (reason >= 0)
    last_in_input = rows["last_in_input"].to_numpy("datetime64[ms]")
    was_here = last_in_input == np.datetime64(baseline_run_date, "ms")
    return Summary(
        pairs=int(np.count_nonzero(here)),
        states=count(state[here], STATES),
        known=count(np.where(known >= 0, known, _KNOWN.index(NEVER))[here], _KNOWN),
        changes=by_change,
        unknown_reasons=present(count(reason[unknown], list(UnknownReason))),
        gain=sum(by_change[kind] for kind in GAIN),
        loss=by_change[Change.CLOSED] + int(np.count_nonzero(cleared_from_on)),
        hidden=sum(by_change[kind] for kind in HIDDEN),
        transitions=_matrix(was, now),
        transitions_without_absent=_matrix(was[~absent], now[~absent]),
        roll_forward=_roll_forward(state, known, previous, change, was_here),
        by_organization=count_organizations(
            rows["organization_id"].array, columns, was_here, with_absent=True
        ),
    )


def _roll_forward(
    state: Array, known: Array, previous: Array, change: Array, was_here: Array
) -> dict[str, RollForward]:
    here, dropped = state >= 0, change == CHANGES.index(Change.DROPPED)
    good = here & (state != STATES.index(State.UNKNOWN))
    moved = good & (previous >= 0) & (state != previous)
    flows = {
        "opening": previous[(here & was_here) | dropped],
        "first_seen": state[change == CHANGES.index(Change.FIRST_SEEN)],
        "returned": previous[here & ~was_here],
        "moved_in": state[moved],
        "moved_out": previous[moved],
        "dropped": previous[dropped],
        "closing": known[here],
    }
    counts = {flow: count(of[of >= 0], _GOOD) for flow, of in flows.items()}
    return {s: RollForward(**{flow: of[s] for flow, of in counts.items()}) for s in _GOOD}


def _matrix(was: Array, now: Array) -> dict[str, dict[str, int]]:
    counts = count_table(was, len(_KNOWN), now, len(_ANSWERED)).tolist()
    return {
        known: dict(zip(_ANSWERED, row, strict=True))
        for known, row in zip(_KNOWN, counts, strict=True)
    }


def _sum_rows(
    ours: Mapping[str, dict[str, int]], theirs: Mapping[str, dict[str, int]]
) -> dict[str, dict[str, int]]:
    return {known: add_counts(ours[known], theirs[known], _ANSWERED) for known in _KNOWN}
