"""The sheets of counts of the whole report: Summary and Transitions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from jobs.compare.summary import NEVER, NOT_IN_INPUT
from jobs.plurals import filled
from jobs.render.excel.cells import Cell, coded, ratio
from jobs.render.excel.looks import Column, Kind, Style
from jobs.render.excel.sheet import Sheet
from jobs.render.html.excerpt import all_organizations
from jobs.render.language import Translate
from jobs.render.numbers import LOSSES_FIRST, nobody_answered, state_counts
from jobs.render.text import headline, no_change, verdict
from jobs.render.warnings import serious_warnings, small_warnings
from jobs.report.model import Report
from jobs.schema import UnknownReason

__all__ = ["why_no_change", "write_summary", "write_transitions"]

_NAMES: Final = {NEVER: "never known", NOT_IN_INPUT: "not in the input"}


def write_summary(report: Report, sheet: Sheet, translate: Translate) -> None:
    """Write what a reader must know first, then the counts of the whole report.

    The order is that of the HTML page: the verdict if the exit code is not 0, serious warnings, the
    headline, states, losses and gains, changes, missing answers, small warnings, controls.
    """
    sheet.fit_on_one_page()
    run = report.metadata.run
    ending = verdict(report, translate)
    failed = run is not None and bool(run.exit_code)
    if ending and failed:
        sheet.paragraph(ending, Style.VERDICT)
    for warning in serious_warnings(report, translate):
        sheet.paragraph(warning, Style.WARNING)
    sheet.paragraph(headline(report, translate), Style.TITLE)
    if ending and not failed:
        sheet.paragraph(ending, Style.REMARK)
    _write_states(report, sheet, translate)
    still = no_change(report, translate)
    if still is not None and (_is_first(report) or not nobody_answered(report)):
        sheet.skip(1)
        sheet.paragraph(still, Style.HEADING)
    if still is None and not nobody_answered(report):
        _write_moves(report, sheet, translate)
    if still is None:
        changes = report.summary.changes
        found = [(each, changes[each], each.meaning.en) for each in LOSSES_FIRST if changes[each]]
        block = _classes(report, "change", found, translate)
        sheet.block(translate("Changes"), *block)
    if reasons := report.summary.unknown_reasons:
        told = [(name, count, UnknownReason[name].meaning.en) for name, count in reasons.items()]
        block = _classes(report, "unknown_reason", told, translate)
        sheet.block(translate("Unknown, by reason"), *block)
    if notes := small_warnings(report, translate):
        sheet.skip(1)
        sheet.line(translate("The input"), Style.HEADING)
        for note in notes:
            sheet.paragraph(note, Style.WARNING)
    controls = report.controls
    held = filled(
        translate("Controls: {held} of {all} {held:holds|hold}"),
        held=sum(each.holds for each in controls),
        all=len(controls),
    )
    sheet.skip(1)
    sheet.line(held, Style.REMARK if all(each.holds for each in controls) else Style.VERDICT)


def _write_states(report: Report, sheet: Sheet, translate: Translate) -> None:
    """Write the states, and by how much they grew; where nobody answered, those last known."""
    summary, compared = report.summary, report.metadata.baseline is not None
    name = Column(translate("state"), Kind.TEXT)
    pairs, share = Column(translate("pairs")), Column(translate("share"), Kind.SHARE)
    if nobody_answered(report):
        sheet.skip(1)
        sheet.line(
            translate("No pair has a valid answer in this run. These are the states last known."),
            Style.REMARK,
        )
        rows = [
            [_label(known, translate), count, ratio(count, summary.pairs)]
            for known, count in summary.known.items()
            if count
        ]
        sheet.block(translate("States"), [name, pairs, share], rows)
        return
    net = [Column(translate("net change"), Kind.NET)] if compared else []
    sheet.block(
        translate("States"),
        [name, pairs, share, Column(translate("last known")), *net],
        (
            [
                coded(each.state, translate),
                each.pairs,
                ratio(each.pairs, summary.pairs),
                each.known,
                *([each.net] if compared else []),
            ]
            for each in state_counts(report)
        ),
    )


def _write_moves(report: Report, sheet: Sheet, translate: Translate) -> None:
    """Write the sums of the changes, and how many were ON before and after."""
    summary, whole = report.summary, all_organizations(report.summary)
    compared = report.metadata.baseline is not None
    on = [
        (
            "ON before",
            whole.on_before,
            ratio(whole.on_before, whole.pairs_before),
            "last known; its share is of the last report's input",
        ),
        (
            "ON after",
            whole.on_after,
            ratio(whole.on_after, whole.pairs),
            "last known; its share is of this input",
        ),
    ]
    rows = [
        (
            "lost",
            summary.loss,
            ratio(summary.loss, whole.on_before) if compared else None,
            "CLOSED, and CLEARED from ON; its share is of those ON before",
        ),
        ("gained", summary.gain, None, "OPENED and REOPENED"),
        ("net", summary.gain - summary.loss, None, "gained minus lost"),
        ("hidden", summary.hidden, None, "REAUTHORIZED and CYCLED"),
        *(on if compared else []),
    ]
    sheet.block(
        translate("Gained and lost"),
        [
            Column(translate("sum"), Kind.TEXT),
            Column(translate("pairs")),
            Column(translate("share"), Kind.SHARE),
            Column(translate("meaning"), Kind.NOTE),
        ],
        (
            [translate(name), count, share, translate(meaning)]
            for name, count, share, meaning in rows
        ),
    )


def _classes(
    report: Report, heading: str, classes: Iterable[tuple[str, int, str]], translate: Translate
) -> tuple[list[Column], list[list[Cell]]]:
    """Return the columns and rows of classes: name, number of pairs, meaning."""
    columns = [
        Column(translate(heading), Kind.TEXT),
        Column(translate("pairs")),
        Column(translate("share"), Kind.SHARE),
        Column(translate("meaning"), Kind.NOTE),
    ]
    pairs = report.summary.pairs
    return columns, [
        [coded(name, translate), count, ratio(count, pairs), translate(meaning)]
        for name, count, meaning in classes
    ]


def write_transitions(report: Report, sheet: Sheet, translate: Translate) -> None:
    """Write the matrix of the last known state before and this run's, as counts and as shares."""
    if still := why_no_change(report, translate):
        sheet.line(still, Style.REMARK)
        return
    matrix = report.summary.transitions
    names = list(next(iter(matrix.values())))
    shown = [_label(name, translate) for name in names]
    before, total = Column(translate("before \\ now"), Kind.TEXT), translate("total")
    columns = [before, *map(Column, shown), Column(total)]
    sheet.names(columns)
    sheet.freeze(1)
    rows: list[list[Cell]] = [
        [_label(was, translate), *row.values(), sum(row.values())] for was, row in matrix.items()
    ]
    sums = [sum(row[name] for row in matrix.values()) for name in names]
    rows.append([total, *sums, sum(sums)])
    sheet.body(columns, rows)
    sheet.block(
        translate("Share of each row"),
        [before, *(Column(name, Kind.SHARE) for name in shown)],
        (
            [_label(was, translate), *(ratio(n, sum(row.values())) for n in row.values())]
            for was, row in matrix.items()
            if any(row.values())
        ),
    )


def why_no_change(report: Report, translate: Translate) -> str | None:
    """Return a sentence in place of changes; None if there are changes to show."""
    if nobody_answered(report) and not _is_first(report):
        return translate("No pair has a valid answer in this run: nothing is claimed.")
    return no_change(report, translate)


def _is_first(report: Report) -> bool:
    return report.metadata.baseline is None and report.metadata.run is not None


def _label(state: str, translate: Translate) -> str:
    return translate(_NAMES[state]) if state in _NAMES else coded(state, translate)
