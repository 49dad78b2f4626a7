"""What is said about a report in words: the sentences that every format begins with."""

from __future__ import annotations

from typing import Final

from jobs.frames import Change, State
from jobs.report import Report

__all__ = ["DEFINITIONS", "headline", "net_changes", "share", "signed", "warnings"]

DEFINITIONS: Final = {
    Change.FIRST_SEEN: "answered for the first time",
    Change.OPENED: "NONE to ON",
    Change.REOPENED: "OFF to ON",
    Change.REAUTHORIZED: "ON to ON with a later time: closed and opened again in between",
    Change.CLOSED: "ON to OFF",
    Change.CYCLED: "opened and closed again in between",
    Change.CLEARED: "ON or OFF to NONE",
    Change.ANOMALY: "same state, but an earlier or a future time",
    Change.UNKNOWN: "no good answer: nothing is claimed",
    Change.DROPPED: "in the last report, not in this input",
    Change.ABSENT: "missing from the input for longer",
    Change.UNCHANGED: "nothing to tell",
}
_LOST: Final = 0.1
_SHOWN_LINES: Final = 3


def headline(report: Report) -> str:
    """Return the report in one sentence."""
    summary = report.summary
    states, changes = summary.states, summary.changes
    sentence = (
        f"{report.run_date}: of {summary.pairs:,} pairs {states[State.ON]:,} are ON, "
        f"{states[State.OFF]:,} OFF, {states[State.NONE]:,} NONE"
    )
    if states[State.UNKNOWN]:
        sentence += f", {states[State.UNKNOWN]:,} UNKNOWN"
    if report.about["baseline"] is None:
        return f"{sentence}; there is no earlier report to compare with."
    return (
        f"{sentence}; since {report.about['baseline']['run_date']} {summary.gain:,} gained, "
        f"{summary.loss:,} lost, {summary.hidden:,} closed and opened in between, "
        f"{changes[Change.FIRST_SEEN]:,} new, {changes[Change.DROPPED]:,} dropped."
    )


def warnings(report: Report, *, every_line: bool = False) -> list[str]:
    """Return what a reader must know before the numbers, the gravest first."""
    said = []
    baseline, counted = report.about["baseline"], report.about["input"]
    if baseline is not None:
        before, dropped = baseline["pairs"], report.summary.changes[Change.DROPPED]
        if before and dropped / before > _LOST:
            said.append(
                f"The input has lost {dropped:,} of the {before:,} pairs of {baseline['run_date']} "
                f"({share(dropped, before)}): is it complete?"
            )
    if counted["invalid"]:
        shown = counted["invalid_lines"][: None if every_line else _SHOWN_LINES]
        lines = ", ".join(f"{each['line']} ({each['reason']})" for each in shown)
        more = ", ..." if counted["invalid"] > len(shown) else ""
        said.append(f"{counted['invalid']:,} input lines hold no pair: line {lines}{more}")
    if counted["unusual_openids"]:
        said.append(
            f"{counted['unusual_openids']:,} openids do not look like one (o and 27 more of "
            "A-Z a-z 0-9 - _); they were asked as they are."
        )
    return said


def net_changes(report: Report) -> dict[str, int]:
    """Return by how much each known state has grown since the baseline."""
    flows = report.summary.roll_forward.items()
    return {state: flow.closing - flow.opening for state, flow in flows}


def share(part: int, whole: int) -> str:
    """Return a percentage; never 0.0 % or 100.0 % unless it is exactly that."""
    if whole == 0:
        return "-"
    percent = 100 * part / whole
    shown = f"{percent:.1f} %"
    if part > 0 and shown == "0.0 %":
        return "< 0.1 %"
    return "> 99.9 %" if part < whole and shown == "100.0 %" else shown


def signed(number: int) -> str:
    """Return a number with its sign."""
    return f"{number:+,}" if number else "0"
