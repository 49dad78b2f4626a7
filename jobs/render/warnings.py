"""Warnings about a report: what a reader has to know before the numbers."""

from __future__ import annotations

from typing import Final

from jobs.input.keys import FULL_WIDTH_DIGITS
from jobs.input.line_stats import Reason
from jobs.render.language import Translate
from jobs.render.numbers import share
from jobs.report.input_info import InputInfo
from jobs.report.model import Report
from jobs.schema import Change, UnknownReason

__all__ = ["key_warnings", "reason_in", "warnings"]

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
    each = (
        _only_some_rows(report, translate),
        _accepted_unnamed(report, translate),
        _many_dropped(report, translate),
        _refused_unnamed(report, translate),
        *_refused_pairs(report, translate),
        _invalid_lines(report.metadata.input, translate, every_line=every_line),
        _unusual_openids(report.metadata.input, translate),
        *key_warnings(report.metadata.input, translate),
    )
    return [warning for warning in each if warning]


def _only_some_rows(report: Report, translate: Translate) -> str | None:
    if (only := report.metadata.only) is None:
        return None
    return translate(
        "Only the rows of --{only} are here; all counts are of the whole report."
    ).format(only=only)


def _accepted_unnamed(report: Report, translate: Translate) -> str | None:
    if not (count := report.metadata.asking.answers_without_echo):
        return None
    return translate(
        "{count:,} accepted answers do not name the person or the organization "
        "(--accept-unnamed): nothing ties them to the question."
    ).format(count=count)


def _many_dropped(report: Report, translate: Translate) -> str | None:
    baseline, dropped = report.metadata.baseline, report.summary.changes[Change.DROPPED]
    if baseline is None or not baseline.pairs or dropped / baseline.pairs <= _MANY_DROPPED:
        return None
    return translate(
        "{dropped:,} of {before:,} pairs of the last report ({date}) are missing from "
        "today's input ({share}): is it complete?"
    ).format(
        dropped=dropped,
        before=baseline.pairs,
        date=baseline.run_date,
        share=share(dropped, baseline.pairs),
    )


def _refused_unnamed(report: Report, translate: Translate) -> str | None:
    if not (count := report.summary.unknown_reasons.get(UnknownReason.UNNAMED, 0)):
        return None
    return translate(
        "{count:,} pairs have no answer that names the person (no openid or no "
        "organization_id in the body), so none was accepted; see --accept-unnamed."
    ).format(count=count)


def _refused_pairs(report: Report, translate: Translate) -> list[str]:
    """Return a sentence for each kind of refusal; a report of an earlier version has none."""
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


def _invalid_lines(counted: InputInfo, translate: Translate, *, every_line: bool) -> str | None:
    if not counted.invalid:
        return None
    shown = counted.invalid_lines[: None if every_line else _SHOWN_LINES]
    lines = ", ".join(f"{each.line} ({reason_in(translate, each.reason)})" for each in shown)
    more = ", ..." if counted.invalid > len(shown) else ""
    return translate("{count:,} input lines hold no pair: line {lines}").format(
        count=counted.invalid, lines=lines + more
    )


def _unusual_openids(counted: InputInfo, translate: Translate) -> str | None:
    if not counted.unusual_openids:
        return None
    return translate(
        "{count:,} openids do not look like one (o and 27 more of A-Z a-z 0-9 - _); they "
        "were asked as they are."
    ).format(count=counted.unusual_openids)


def key_warnings(counted: InputInfo, translate: Translate = str) -> list[str]:
    """Return what was removed from the keys of the input, and which keys may be damaged.

    Args:
        counted: The metadata's ``input``; that of an earlier version has neither.
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
    """Return why a line holds no pair; unchanged if another version wrote it."""
    return translate(reason) if reason in set(Reason) else reason
