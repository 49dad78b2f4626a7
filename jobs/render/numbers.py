"""Numbers of a report as people read them: the states with their net changes, shares, signs."""

from __future__ import annotations

from typing import Final, NamedTuple

from jobs.report.model import Report
from jobs.schema import Change, State

__all__ = ["LOSSES_FIRST", "StateCounts", "nobody_answered", "share", "signed", "state_counts"]


LOSSES_FIRST: Final = (
    Change.CLOSED,
    Change.CLEARED,
    Change.OPENED,
    Change.REOPENED,
    Change.REAUTHORIZED,
    Change.CYCLED,
    Change.ANOMALY,
    Change.FIRST_SEEN,
    Change.DROPPED,
    Change.ABSENT,
    Change.UNKNOWN,
    Change.UNCHANGED,
)
"""Every change, in the order in which people need to know."""


class StateCounts(NamedTuple):
    """The counts of one state.

    Attributes:
        state: The state.
        pairs: Pairs of the input with this state in this run.
        known: Pairs of the input whose last known state it is; None for UNKNOWN.
        net: By how much ``known`` has grown since the baseline; None for UNKNOWN, and where there
            is no baseline.
    """

    state: State
    pairs: int
    known: int | None
    net: int | None


def state_counts(report: Report) -> list[StateCounts]:
    """Return the counts of every state, for the table of states that each format shows."""
    summary, compared = report.summary, report.metadata.baseline is not None
    net = {state: flow.closing - flow.opening for state, flow in summary.roll_forward.items()}
    return [
        StateCounts(
            state,
            summary.states[state],
            summary.known.get(state),
            net.get(state) if compared else None,
        )
        for state in State
    ]


def nobody_answered(report: Report) -> bool:
    """Return True if there are pairs, and none of them has a valid answer in this run."""
    summary = report.summary
    return 0 < summary.pairs == summary.states[State.UNKNOWN]


def share(part: int, whole: int) -> str:
    """Return a percentage; never 0.0 % or 100.0 % unless it is exactly that.

    A half is rounded up, as a spreadsheet does.
    """
    if whole == 0:
        return "-"
    tenths = (2_000 * part + whole) // (2 * whole)
    shown = f"{tenths // 10}.{tenths % 10} %"
    if part > 0 and shown == "0.0 %":
        return "< 0.1 %"
    return "> 99.9 %" if part < whole and shown == "100.0 %" else shown


def signed(number: int) -> str:
    """Return a number with its sign."""
    return f"{number:+,}" if number else "0"
