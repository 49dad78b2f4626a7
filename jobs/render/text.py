"""What is said about a report in words: the sentences that every format begins with."""

from __future__ import annotations

from typing import Final

from jobs.compare.verdict import RuleHolds
from jobs.input.keys import FULL_WIDTH_DIGITS
from jobs.input.records import Reason
from jobs.render.translations import Translate
from jobs.report.input_info import InputInfo
from jobs.report.model import Report
from jobs.schema import Change, State, UnknownReason

__all__ = [
    "CONTROLS",
    "DEFINITIONS",
    "REASONS",
    "headline",
    "key_warnings",
    "net_changes",
    "reason_in",
    "share",
    "signed",
    "verdict",
    "warnings",
]

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
REASONS: Final = {
    UnknownReason.NOT_ASKED: "the run ended before it was asked",
    UnknownReason.TIMEOUT: "no answer in time",
    UnknownReason.NETWORK: "no connection, or one that broke",
    UnknownReason.LOCAL: "this machine had no resources left for a connection",
    UnknownReason.SERVER_ERROR: "the gateway answered with an error of its own",
    UnknownReason.THROTTLED: "throttled each time they were asked about",
    UnknownReason.REFUSED: "the gateway refused the question",
    UnknownReason.SIGNATURE: "an answer whose signature is not to be believed",
    UnknownReason.REPLAYED: "an answer that had been given before",
    UnknownReason.MISMATCH: "an answer about somebody else",
    UnknownReason.UNNAMED: "an answer that does not name the person or the organization",
    UnknownReason.BAD_BODY: "an answer that cannot be read",
    UnknownReason.NO_STATE: "a verified answer without a state",
    UnknownReason.NEW_STATE: "a verified answer with a state not known here",
}
_DAMAGED: Final = {
    ("organization_id", False): "The organizations of {count:,} pairs look damaged ({kinds}), "
    "first on line {line}; they were asked as they are.",
    ("openid", False): "The openids of {count:,} pairs look damaged ({kinds}), first on line "
    "{line}; they were asked as they are.",
    ("organization_id", True): "The organizations of {count:,} pairs hold {kinds}, first on line "
    "{line}; they were asked as they are.",
    ("openid", True): "The openids of {count:,} pairs hold {kinds}, first on line {line}; they "
    "were asked as they are.",
}
"""By column, and whether the damage is nothing but full-width digits."""
CONTROLS: Final = {
    "input_lines": "input lines",
    "input_rows": "rows against the input",
    "unique_pairs": "no pair twice",
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
_LOST: Final = 0.1
_SHOWN_LINES: Final = 3


def headline(report: Report, translate: Translate = str) -> str:
    """Return the report in one sentence."""
    summary, baseline = report.summary, report.metadata.baseline
    states, changes = summary.states, summary.changes
    sentence = translate(
        "{date}: of {pairs:,} pairs {on:,} are ON, {off:,} OFF, {none:,} NONE"
    ).format(
        date=report.run_date,
        pairs=summary.pairs,
        on=states[State.ON],
        off=states[State.OFF],
        none=states[State.NONE],
    )
    if states[State.UNKNOWN]:
        sentence += translate(", {unknown:,} UNKNOWN").format(unknown=states[State.UNKNOWN])
    if baseline is None:
        return sentence + translate("; there is no earlier report to compare with.")
    return sentence + translate(
        "; since {before} {gain:,} gained, {loss:,} lost, {hidden:,} closed and opened in between, "
        "{first_seen:,} new, {dropped:,} dropped."
    ).format(
        before=baseline.run_date,
        gain=summary.gain,
        loss=summary.loss,
        hidden=summary.hidden,
        first_seen=changes[Change.FIRST_SEEN],
        dropped=changes[Change.DROPPED],
    )


def verdict(report: Report, translate: Translate = str) -> str | None:
    """Return what a reader must know of the run: why its exit code is not 0, whom it corrects.

    None where it was an ordinary success.
    """
    run = report.metadata.run
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
    run, verdict = report.metadata.run, report.verdict
    ended = translate("The run ended with exit code {code}.").format(code=run.exit_code)
    if verdict is None:  # an earlier version's sentences say for themselves what they are about
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


def warnings(report: Report, *, every_line: bool = False, translate: Translate = str) -> list[str]:
    """Return what a reader must know before the numbers, the gravest first."""
    said = []
    baseline, counted = report.metadata.baseline, report.metadata.input
    if report.metadata.only is not None:
        said.append(
            translate(
                "Only the rows of --{only} are here; all counts are of the whole report."
            ).format(only=report.metadata.only)
        )
    if unnamed := report.metadata.asking.answers_without_echo:
        said.append(
            translate(
                "{count:,} accepted answers do not name the person or the organization "
                "(--accept-unnamed): nothing ties them to the question."
            ).format(count=unnamed)
        )
    if baseline is not None:
        before, dropped = baseline.pairs, report.summary.changes[Change.DROPPED]
        if before and dropped / before > _LOST:
            said.append(
                translate(
                    "{dropped:,} of {before:,} pairs of the last report ({date}) are missing from "
                    "today's input ({share}): is it complete?"
                ).format(
                    dropped=dropped,
                    before=before,
                    date=baseline.run_date,
                    share=share(dropped, before),
                )
            )
    if unnamed := report.summary.unknown_reasons.get(UnknownReason.UNNAMED, 0):
        said.append(
            translate(
                "{count:,} pairs have no answer that names the person (no openid or no "
                "organization_id in the body), so none was accepted; see --accept-unnamed."
            ).format(count=unnamed)
        )
    said += _refused(report, translate)
    if counted.invalid:
        shown = counted.invalid_lines[: None if every_line else _SHOWN_LINES]
        lines = ", ".join(f"{each.line} ({reason_in(translate, each.reason)})" for each in shown)
        more = ", ..." if counted.invalid > len(shown) else ""
        said.append(
            translate("{count:,} input lines hold no pair: line {lines}").format(
                count=counted.invalid, lines=lines + more
            )
        )
    if counted.unusual_openids:
        said.append(
            translate(
                "{count:,} openids do not look like one (o and 27 more of A-Z a-z 0-9 - _); they "
                "were asked as they are."
            ).format(count=counted.unusual_openids)
        )
    return said + key_warnings(counted, translate)


def _refused(report: Report, translate: Translate) -> list[str]:
    """Return a sentence for each kind of refusal; a report of an earlier version lists none."""
    said = []
    for kind in report.metadata.asking.refusals or ():
        what = " ".join(
            [f"HTTP {kind.status}"] * (kind.status is not None)
            + [kind.code or ""] * bool(kind.code)
            + [f"({kind.message})"] * bool(kind.message)
        )
        said.append(
            translate("{count:,} pairs were refused: {what}").format(
                count=kind.pairs, what=what or translate("before anything was sent")
            )
        )
    return said


def key_warnings(counted: InputInfo, translate: Translate = str) -> list[str]:
    """Return what was taken off the keys of the input, and which of them may be damaged.

    Args:
        counted: The metadata's ``input``; that of an older version says nothing of either.
        translate: Into the language of the reader.
    """
    said = []
    if counted.decorated_lines:
        said.append(
            translate(
                "On {count:,} lines blanks, quotes or invisible characters round a key were taken "
                "off (first on line {line})."
            ).format(count=counted.decorated_lines, line=counted.first_decorated_line)
        )
    for damage in counted.damaged_keys or ():
        sentence = _DAMAGED[damage.column, damage.kinds == (FULL_WIDTH_DIGITS,)]
        said.append(
            translate(sentence).format(
                count=damage.pairs,
                kinds=", ".join(translate(kind) for kind in damage.kinds),
                line=damage.line,
            )
        )
    return said


def reason_in(translate: Translate, reason: str) -> str:
    """Return why a line holds no pair; as it stands, where another version wrote it."""
    return translate(reason) if reason in set(Reason) else reason


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
