"""The counts that are drawn from a report's rows: states, changes, transitions, roll-forward.

Pure, and plain: a :class:`Summary` holds integers and dictionaries only, so that it goes into the
report's metadata as it is and every format renders the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs.schema import GAIN, HIDDEN, Change, State, UnknownReason, codes

__all__ = ["NEVER", "NOT_IN_INPUT", "OrganizationCounts", "RollForward", "Summary", "summarize"]

NEVER: Final = "never"
"""Stands where a known state would, for a pair that was never answered."""
NOT_IN_INPUT: Final = "not_in_input"

_Array: TypeAlias = npt.NDArray[Any]

_STATES: Final = [state.value for state in State]
_CHANGES: Final = [change.value for change in Change]
_GOOD: Final = _STATES[: _STATES.index(State.UNKNOWN)]
_KNOWN: Final = [*_GOOD, NEVER]
_ANSWERED: Final = [*_STATES, NOT_IN_INPUT]


@dataclass(frozen=True, slots=True)
class OrganizationCounts:
    """One organization's pairs in the input, by state; all its rows by change, zeros left out."""

    pairs: int
    states: dict[str, int]
    changes: dict[str, int]


@dataclass(frozen=True, slots=True)
class RollForward:
    """How the pairs known to be in one state came from the last report's number to this one's.

    ``returned`` are pairs that were missing from the last report's input and are back, under the
    state last known of them.
    """

    opening: int
    first_seen: int
    returned: int
    moved_in: int
    moved_out: int
    dropped: int
    closing: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A report's counts.

    Attributes:
        pairs: Pairs in the input.
        states: Those by state as answered: ON, OFF, NONE, UNKNOWN.
        known: Those by known state: ON, OFF, NONE, never.
        changes: All rows by change, zeros included.
        unknown_reasons: UNKNOWN pairs by reason, zeros left out.
        gain: OPENED and REOPENED.
        loss: CLOSED, and CLEARED from ON.
        hidden: REAUTHORIZED and CYCLED.
        transitions: All rows by previous state (ON, OFF, NONE, never), then by state (ON, OFF,
            NONE, UNKNOWN, not_in_input).
        transitions_without_absent: The same without the ABSENT rows.
        roll_forward: By known state: ON, OFF, NONE.
        by_organization: By organization_id, sorted; those with a pair in the input or DROPPED.
    """

    pairs: int
    states: dict[str, int]
    known: dict[str, int]
    changes: dict[str, int]
    unknown_reasons: dict[str, int]
    gain: int
    loss: int
    hidden: int
    transitions: dict[str, dict[str, int]]
    transitions_without_absent: dict[str, dict[str, int]]
    roll_forward: dict[str, RollForward]
    by_organization: dict[str, OrganizationCounts]

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as JSON knows them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, counts: Mapping[str, Any]) -> Summary:
        """Return the summary that ``to_dict`` gave."""
        roll = {s: RollForward(**flow) for s, flow in counts["roll_forward"].items()}
        organizations = {
            name: OrganizationCounts(**own) for name, own in counts["by_organization"].items()
        }
        return cls(**{**counts, "roll_forward": roll, "by_organization": organizations})


def summarize(rows: pd.DataFrame, *, baseline_run_date: date | None) -> Summary:
    """Return the counts of a report.

    Args:
        rows: Columns ``ROWS``, as :func:`jobs.compare.changes.classify` returns them, or as read
            back.
        baseline_run_date: Run date of the report compared with; None: there was none.
    """
    state, known, previous, change, reason = (
        codes(rows, name)
        for name in ("state", "known_state", "previous_state", "change", "unknown_reason")
    )
    here, absent = state >= 0, change == _CHANGES.index(Change.ABSENT)
    was = np.where(previous >= 0, previous, _KNOWN.index(NEVER))
    now = np.where(here, state, _ANSWERED.index(NOT_IN_INPUT))
    by_change = _count(change, _CHANGES)
    cleared_from_on = (change == _CHANGES.index(Change.CLEARED)) & (was == _GOOD.index(State.ON))
    unknown = here & (state == _STATES.index(State.UNKNOWN)) & (reason >= 0)
    last_in_input = rows["last_in_input"].to_numpy("datetime64[ms]")
    was_here = last_in_input == np.datetime64(baseline_run_date, "ms")
    return Summary(
        pairs=int(np.count_nonzero(here)),
        states=_count(state[here], _STATES),
        known=_count(np.where(known >= 0, known, _KNOWN.index(NEVER))[here], _KNOWN),
        changes=by_change,
        unknown_reasons=_present(_count(reason[unknown], list(UnknownReason))),
        gain=sum(by_change[kind] for kind in GAIN),
        loss=by_change[Change.CLOSED] + int(np.count_nonzero(cleared_from_on)),
        hidden=sum(by_change[kind] for kind in HIDDEN),
        transitions=_matrix(was, now),
        transitions_without_absent=_matrix(was[~absent], now[~absent]),
        roll_forward=_roll_forward(state, known, previous, change, was_here),
        by_organization=_by_organization(rows["organization_id"].array, state, change),
    )


def _roll_forward(
    state: _Array, known: _Array, previous: _Array, change: _Array, was_here: _Array
) -> dict[str, RollForward]:
    here, dropped = state >= 0, change == _CHANGES.index(Change.DROPPED)
    good = here & (state != _STATES.index(State.UNKNOWN))
    moved = good & (previous >= 0) & (state != previous)
    flows = {
        "opening": previous[(here & was_here) | dropped],
        "first_seen": state[change == _CHANGES.index(Change.FIRST_SEEN)],
        "returned": previous[here & ~was_here],
        "moved_in": state[moved],
        "moved_out": previous[moved],
        "dropped": previous[dropped],
        "closing": known[here],
    }
    counts = {flow: _count(of[of >= 0], _GOOD) for flow, of in flows.items()}
    return {s: RollForward(**{flow: of[s] for flow, of in counts.items()}) for s in _GOOD}


def _by_organization(
    organizations: pd.Categorical, state: _Array, change: _Array
) -> dict[str, OrganizationCounts]:
    names = list(organizations.categories)
    own, here = organizations.codes.astype("int64"), state >= 0
    states = _table(own[here], len(names), state[here], len(_STATES))
    changes = _table(own, len(names), change, len(_CHANGES))
    pairs, dropped = states.sum(axis=1), changes[:, _CHANGES.index(Change.DROPPED)]
    listed = np.flatnonzero((pairs > 0) | (dropped > 0)).tolist()
    return {
        str(names[at]): OrganizationCounts(
            pairs=int(pairs[at]),
            states=dict(zip(_STATES, states[at].tolist(), strict=True)),
            changes=_present(dict(zip(_CHANGES, changes[at].tolist(), strict=True))),
        )
        for at in sorted(listed, key=names.__getitem__)
    }


def _matrix(was: _Array, now: _Array) -> dict[str, dict[str, int]]:
    counts = _table(was, len(_KNOWN), now, len(_ANSWERED)).tolist()
    return {
        known: dict(zip(_ANSWERED, row, strict=True))
        for known, row in zip(_KNOWN, counts, strict=True)
    }


def _table(down: _Array, height: int, across: _Array, width: int) -> _Array:
    """Return how often each pair of codes stands together, shape (height, width)."""
    together = down.astype("int64") * width + across
    return np.bincount(together, minlength=height * width).reshape(height, width)


def _count(values: _Array, names: Sequence[str]) -> dict[str, int]:
    counts = np.bincount(values, minlength=len(names)).tolist()
    return {str(name): count for name, count in zip(names, counts, strict=True)}


def _present(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}
