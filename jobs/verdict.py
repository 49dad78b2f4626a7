"""How a run that has its report ends: done, done with too much unknown, or a rule holds. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.exits import Exit
from jobs.frames import State, UnknownReason
from jobs.rules import Rule
from jobs.summary import Summary

__all__ = ["judge"]


def judge(
    summary: Summary, invalid: int, *, max_unknown: float, fail_on: Sequence[Rule] = ()
) -> tuple[Exit, tuple[str, ...]]:
    """Return the exit code, and a sentence for each reason that it is not 0.

    Where several hold, too much unknown, or too little time, comes before a rule: what is not known
    cannot be judged.

    Args:
        summary: Of the report.
        invalid: Input lines that hold no pair.
        max_unknown: Share of unknown pairs and invalid lines that is still a success.
        fail_on: Rules.
    """
    said = []
    code = Exit.DONE
    if broken := [rule.found(summary) for rule in fail_on if rule.holds(summary)]:
        code = Exit.RULE
        said += [f"{found} (exit {Exit.RULE:d})" for found in broken]
    if late := summary.unknown_reasons.get(UnknownReason.NOT_ASKED, 0):
        code = Exit.INCOMPLETE
        said.insert(0, f"{late:,} pairs were not reached in the time there was (exit {code:d})")
    unknown, lines = summary.states[State.UNKNOWN] + invalid, summary.pairs + invalid
    if unknown > max_unknown * lines:
        code = Exit.INCOMPLETE
        said.insert(
            0,
            f"{unknown:,} of {lines:,} pairs and lines are unknown, more than --max-unknown "
            f"{max_unknown:g} allows (exit {Exit.INCOMPLETE:d})",
        )
    return code, tuple(said)
