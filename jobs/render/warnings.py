"""Warnings about a report: what a reader has to know before the numbers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from jobs.input.keys import FULL_WIDTH_DIGITS
from jobs.input.line_stats import Reason
from jobs.plurals import filled
from jobs.render.language import Translate
from jobs.render.numbers import share
from jobs.report.info import Metadata
from jobs.report.input_info import InputInfo
from jobs.report.model import Report
from jobs.report.part_info import PartInfo
from jobs.schema import Change, UnknownReason

__all__ = [
    "input_notes",
    "key_warnings",
    "people",
    "reason_in",
    "serious_warnings",
    "small_warnings",
    "warnings",
]

_DAMAGED: Final = {
    ("organization_id", False): "The {count:organization|organizations} of {count:,} "
    "{count:pair looks|pairs look} damaged ({kinds}), first on line {line}; "
    "{count:it was|they were} asked as {count:it is|they are}.",
    ("openid", False): "The {count:openid|openids} of {count:,} {count:pair looks|pairs look} "
    "damaged ({kinds}), first on line {line}; {count:it was|they were} asked as "
    "{count:it is|they are}.",
    ("organization_id", True): "The {count:organization|organizations} of {count:,} "
    "{count:pair holds|pairs hold} {kinds}, first on line {line}; {count:it was|they were} asked "
    "as {count:it is|they are}.",
    ("openid", True): "The {count:openid|openids} of {count:,} {count:pair holds|pairs hold} "
    "{kinds}, first on line {line}; {count:it was|they were} asked as {count:it is|they are}.",
}
"""Sentence by column, and by whether the only damage is full-width digits."""
_MANY_DROPPED: Final = 0.1
"""Share of the last report's pairs whose absence is worth a warning."""
_SHOWN_LINES: Final = 3


def warnings(report: Report, translate: Translate = str, *, every_line: bool = False) -> list[str]:
    """Return the warnings about a report, the most serious first.

    Args:
        report: The report.
        translate: Into the language of the reader.
        every_line: Name each invalid line of the input, not only the first three.
    """
    small = small_warnings(report, translate, every_line=every_line)
    return [*serious_warnings(report, translate), *small]


def serious_warnings(report: Report, translate: Translate = str) -> list[str]:
    """Return what a reader must know before the numbers, the most serious first."""
    each = (
        *_part_warnings(report.metadata, translate),
        _accepted_unnamed(report, translate),
        _many_dropped(report, translate),
        _refused_unnamed(report, translate),
        *_refused_pairs(report, translate),
    )
    return [warning for warning in each if warning]


def small_warnings(
    report: Report, translate: Translate = str, *, every_line: bool = False
) -> list[str]:
    """Return what was wrong or unusual about lines of the input, which the numbers have counted.

    Args:
        report: The report.
        translate: Into the language of the reader.
        every_line: Name each invalid line of the input, not only the first three.
    """
    counted = report.metadata.input
    if counted is None:
        return []
    invalid = _invalid_lines(counted, translate, every_line=every_line)
    return [*([invalid] if invalid else []), *input_notes(counted, translate)]


def input_notes(counted: InputInfo, translate: Translate = str) -> list[str]:
    """Return what was unusual about the keys of the input, which was asked about all the same."""
    unusual = _unusual_openids(counted, translate)
    return [*([unusual] if unusual else []), *key_warnings(counted, translate)]


def _part_warnings(metadata: Metadata, translate: Translate) -> Iterator[str]:
    """Yield what a reader must know of rows that are not the report of a night."""
    part, chosen = metadata.part, metadata.rows_chosen
    if part is not None:
        yield from _of_part(part, metadata, translate)
    if chosen is not None:
        text = (
            "Only the rows of --{only} are here; all counts are of the whole report."
            if part is None
            else "Only the rows of --{only} are here; the counts are of all that there are."
        )
        yield translate(text).format(only=chosen)


def people(part: PartInfo, translate: Translate) -> str:
    """Return whose rows these are: the organizations, then the values of columns."""
    chosen = []
    if part.organizations:
        chosen.append(f"organization_id = {', '.join(part.organizations)}")
    for column, values in groupby(part.where, key=lambda each: each.column):
        shown = ", ".join(each.value or translate("(empty)") for each in values)
        chosen.append(f"{column} = {shown}")
    return translate("; ").join(chosen)


def _of_part(part: PartInfo, metadata: Metadata, translate: Translate) -> Iterator[str]:
    if part.rewritten:
        yield translate(
            "This is not a whole report: another program wrote these rows, and nothing else is "
            "known."
        )
    before, run = metadata.baseline, metadata.run
    if part.comparison and before is not None and run is not None:
        yield translate(
            "This compares the reports of {before} and {date}. It is not the report of a night: "
            "what happened in between is not known from it."
        ).format(before=before.run_date, date=run.date)
    if part.known_before_only:
        yield filled(
            translate(
                "Of {count:,} {count:pair|pairs} the report of {before} knows a later answer than "
                "the report of {date}: {count:it is|they are} compared as without an answer."
            ),
            count=part.known_before_only,
            before=before.run_date if before else "",
            date=run.date if run else "",
        )
    if part.is_filtered:
        yield translate("Only these people are here: {people}. All counts are of them.").format(
            people=people(part, translate)
        )


def _accepted_unnamed(report: Report, translate: Translate) -> str | None:
    asking = report.metadata.asking
    if asking is None or not (count := asking.answers_without_echo):
        return None
    return filled(
        translate(
            "{count:,} accepted {count:answer does|answers do} not name the person or the "
            "organization (--accept-unnamed): nothing ties {count:it|them} to the question."
        ),
        count=count,
    )


def _many_dropped(report: Report, translate: Translate) -> str | None:
    baseline, dropped = report.metadata.baseline, report.summary.changes[Change.DROPPED]
    if report.metadata.part is not None:
        return None  # a missing pair of a part, or after many nights, says nothing of the input
    if baseline is None or not baseline.pairs or dropped / baseline.pairs <= _MANY_DROPPED:
        return None
    return filled(
        translate(
            "{dropped:,} of {before:,} {before:pair|pairs} of the last report ({date}) "
            "{dropped:is|are} missing from today's input ({share}): is it complete?"
        ),
        dropped=dropped,
        before=baseline.pairs,
        date=baseline.run_date,
        share=share(dropped, baseline.pairs),
    )


def _refused_unnamed(report: Report, translate: Translate) -> str | None:
    if not (count := report.summary.unknown_reasons.get(UnknownReason.UNNAMED, 0)):
        return None
    return filled(
        translate(
            "{count:,} {count:pair has|pairs have} no answer that names the person (no openid or "
            "no organization_id in the body), so none was accepted; see --accept-unnamed."
        ),
        count=count,
    )


def _refused_pairs(report: Report, translate: Translate) -> list[str]:
    """Return a sentence for each kind of refusal; a report of an earlier version has none."""
    said = []
    asking = report.metadata.asking
    for kind in (asking.refusals if asking else None) or ():
        what = " ".join(
            [f"HTTP {kind.status}"] * (kind.status is not None)
            + [kind.code or ""] * bool(kind.code)
            + [f"({kind.message})"] * bool(kind.message)
        )
        said.append(
            filled(
                translate("{count:,} {count:pair was|pairs were} refused: {what}"),
                count=kind.pairs,
                what=what or translate("before anything was sent"),
            )
        )
    return said


def _invalid_lines(counted: InputInfo, translate: Translate, *, every_line: bool) -> str | None:
    if not counted.invalid:
        return None
    shown = counted.invalid_lines[: None if every_line else _SHOWN_LINES]
    lines = ", ".join(f"{each.line} ({reason_in(translate, each.reason)})" for each in shown)
    more = ", ..." if counted.invalid > len(shown) else ""
    return filled(
        translate("{count:,} input {count:line holds|lines hold} no pair: line {lines}"),
        count=counted.invalid,
        lines=lines + more,
    )


def _unusual_openids(counted: InputInfo, translate: Translate) -> str | None:
    if not counted.unusual_openids:
        return None
    return filled(
        translate(
            "{count:,} {count:openid does not look like one|openids do not look like openids} (o "
            "and 27 more of A-Z a-z 0-9 - _); {count:it was|they were} asked as "
            "{count:it is|they are}."
        ),
        count=counted.unusual_openids,
    )


def key_warnings(counted: InputInfo, translate: Translate = str) -> list[str]:
    """Return what was removed from the keys of the input, and which keys may be damaged.

    Args:
        counted: The metadata's ``input``; that of an earlier version has neither.
        translate: Into the language of the reader.
    """
    said = []
    if counted.decorated_lines:
        said.append(
            filled(
                translate(
                    "On {count:,} {count:line|lines} blanks, quotes or invisible characters round "
                    "a key were taken off (first on line {line})."
                ),
                count=counted.decorated_lines,
                line=counted.first_decorated_line,
            )
        )
    for damage in counted.damaged_keys or ():
        sentence = _DAMAGED[damage.column, damage.kinds == (FULL_WIDTH_DIGITS,)]
        said.append(
            filled(
                translate(sentence),
                count=damage.pairs,
                kinds=", ".join(translate(kind) for kind in damage.kinds),
                line=damage.line,
            )
        )
    return said


def reason_in(translate: Translate, reason: str) -> str:
    """Return why a line holds no pair; unchanged if another version wrote it."""
    return translate(reason) if reason in set(Reason) else reason
