"""The sentences about a report with which every format begins: headline and verdict."""

from __future__ import annotations

from typing import Final

from jobs.compare.verdict import RuleHolds
from jobs.plurals import filled
from jobs.render.language import Translate
from jobs.report.model import Report
from jobs.schema import NO_CHANGE, Change, State

__all__ = ["CONTROLS", "headline", "no_change", "verdict"]

CONTROLS: Final = {
    "input_lines": "input lines",
    "input_rows": "rows against the input",
    "unique_pairs": "no pair twice",
    "parts": "each row in the part of its hash",
    "states": "pairs by state",
    "roll_forward_ON": "roll-forward ON",
    "roll_forward_OFF": "roll-forward OFF",
    "roll_forward_NONE": "roll-forward NONE",
    "opening": "opening is the baseline's closing",
    "transition_columns": "columns of the transitions",
    "transition_rows": "rows of the transitions",
    "claimed_states": "states, counted again",
    "claimed_changes": "changes, counted again",
    "claimed_roll_forward": "roll-forward, counted again",
    "claimed_organizations": "organizations, counted again",
}


def headline(report: Report, translate: Translate = str) -> str:
    """Return the report in one sentence."""
    summary, baseline, run = report.summary, report.metadata.baseline, report.metadata.run
    states, changes = summary.states, summary.changes
    sentence = filled(
        translate(
            "{date}: of {pairs:,} {pairs:pair|pairs} {on:,} {on:is|are} ON, {off:,} OFF, "
            "{none:,} NONE"
        ),
        date=run.date if run else translate("Date not known"),
        pairs=summary.pairs,
        on=states[State.ON],
        off=states[State.OFF],
        none=states[State.NONE],
    )
    if states[State.UNKNOWN]:
        sentence += translate(", {unknown:,} UNKNOWN").format(unknown=states[State.UNKNOWN])
    if baseline is None and run is not None:
        return sentence + translate("; there is no earlier report to compare with.")
    return sentence + translate(
        "; since {before} {loss:,} lost, {gain:,} gained, {hidden:,} closed and opened in between, "
        "{first_seen:,} new, {dropped:,} dropped."
    ).format(
        before=baseline.run_date if baseline else translate("the report before"),
        gain=summary.gain,
        loss=summary.loss,
        hidden=summary.hidden,
        first_seen=changes[Change.FIRST_SEEN],
        dropped=changes[Change.DROPPED],
    )


def no_change(report: Report, translate: Translate = str) -> str | None:
    """Return why there are no changes to show; None if a pair changed, came or went."""
    summary, baseline = report.summary, report.metadata.baseline
    if baseline is None and report.metadata.run is not None:
        return translate("No comparison: this is the first report.")
    if any(count for change, count in summary.changes.items() if change not in NO_CHANGE):
        return None
    sentence = translate("Nothing changed since {date}.").format(
        date=baseline.run_date if baseline else translate("the report before")
    )
    if summary.states[State.UNKNOWN]:
        nothing_claimed = translate("Of the pairs without an answer nothing is claimed.")
        return sentence + translate(" ") + nothing_claimed
    return sentence


def verdict(report: Report, translate: Translate = str) -> str | None:
    """Return why the run's exit code is not 0, and which run it corrects.

    None if it was an ordinary success.
    """
    run = report.metadata.run
    if run is None:
        return None
    said = [_ending(report, translate)] if run.exit_code else []
    if run.parent:
        said.append(
            translate(
                "This run asked again only those that run {parent} had no answer for, and corrects "
                "its report."
            ).format(parent=run.parent)
        )
    return " ".join(said) or None


def _ending(report: Report, translate: Translate) -> str:
    run, verdict = report.run, report.verdict
    ended = translate("The run ended with exit code {code}.").format(code=run.exit_code)
    if verdict is None:  # the sentences of an earlier version are complete
        return " ".join([ended, *(f"{sentence}." for sentence in run.verdict)])
    said = [ended]
    rules = []
    for reason in verdict.reasons:
        if isinstance(reason, RuleHolds):
            rules.append(reason.sentence(translate))
        else:
            said.append(translate("{reason}.").format(reason=reason.sentence(translate)))
    if rules:
        said.append(
            translate("A rule of --fail-on holds: {rules}.").format(
                rules=translate("; ").join(rules)
            )
        )
    return " ".join(said)
