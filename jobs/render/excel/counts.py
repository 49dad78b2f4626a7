"""The sheets of counts: Summary, Transitions, and About with all other metadata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Final

from jobs.render.excel.cells import Cell, ratio
from jobs.render.excel.sheet import Column, Kind, Sheet, Style
from jobs.render.language import Translate
from jobs.render.numbers import state_counts
from jobs.render.text import headline, verdict
from jobs.render.warnings import reason_in, warnings
from jobs.report.model import Report
from jobs.schema import Change, State, UnknownReason

__all__ = ["CHANGES", "write_about", "write_summary", "write_transitions"]

CHANGES: Final = [change for change in Change if change is not Change.UNKNOWN]
"""Changes shown as columns beside the states, which include UNKNOWN already."""
_SUMS: Final = {
    "gain": "OPENED and REOPENED",
    "loss": "CLOSED, and CLEARED from ON",
    "hidden": "REAUTHORIZED and CYCLED",
}
_TABLES: Final = ("summary", "by", "run.reasons", "controls", "history", "input.invalid_lines")
"""Parts of the metadata that have their own table."""


def write_summary(report: Report, sheet: Sheet, translate: Translate) -> None:
    """Write the headline, verdict and warnings, then the counts of the whole report."""
    sheet.line(headline(report, translate), Style.TITLE)
    sheet.freeze()
    for warning in filter(None, [verdict(report, translate), *warnings(report, translate)]):
        sheet.line(warning, Style.WARNING)
    _write_states(report, sheet, translate)
    summary = report.summary
    sums = {name: getattr(summary, name) for name in _SUMS}
    changes = {each.value: each.meaning.en for each in Change}
    reasons = {each.value: each.meaning.en for each in UnknownReason}
    for title, heading, counts, meanings in (
        ("Changes", "change", summary.changes, changes),
        ("Gain, loss, hidden", translate("sum"), sums, _SUMS),
        ("Unknown, by reason", "unknown_reason", summary.unknown_reasons, reasons),
    ):
        if counts:
            sheet.block(
                translate(title),
                [
                    Column(heading, Kind.TEXT),
                    Column(translate("pairs")),
                    Column(translate("share"), Kind.SHARE),
                    Column(translate("meaning"), Kind.NOTE),
                ],
                (
                    [name, count, ratio(count, summary.pairs), translate(meanings[name])]
                    for name, count in counts.items()
                ),
            )
    _write_roll_forward(report, sheet, translate)


def _write_states(report: Report, sheet: Sheet, translate: Translate) -> None:
    pairs = report.summary.pairs
    sheet.block(
        translate("States"),
        [
            Column("state", Kind.TEXT),
            Column(translate("pairs")),
            Column(translate("share"), Kind.SHARE),
            Column(translate("last known")),
            Column(translate("net change"), Kind.NET),
        ],
        (
            [each.state.value, each.pairs, ratio(each.pairs, pairs), each.known, each.net]
            for each in state_counts(report)
        ),
    )


def _write_roll_forward(report: Report, sheet: Sheet, translate: Translate) -> None:
    flows = {state: asdict(flow) for state, flow in report.summary.roll_forward.items()}
    names = list(next(iter(flows.values())))
    sheet.block(
        translate("Roll-forward"),
        [Column("state", Kind.TEXT), *(Column(translate(n.replace("_", " "))) for n in names)],
        ([state, *flow.values()] for state, flow in flows.items()),
    )


def write_transitions(report: Report, sheet: Sheet, translate: Translate) -> None:
    """Write the matrix of the last known state before and this run's, as counts and as shares."""
    matrix = report.summary.transitions
    names = list(next(iter(matrix.values())))
    before, total = Column(translate("before \\ now"), Kind.TEXT), translate("total")
    sheet.names([before, *map(Column, names), Column(total)])
    sheet.freeze(1)
    rows: list[list[Cell]] = [
        [was, *row.values(), sum(row.values())] for was, row in matrix.items()
    ]
    sums = [sum(row[name] for row in matrix.values()) for name in names]
    rows.append([total, *sums, sum(sums)])
    sheet.body([before, *map(Column, names), Column(total)], rows)
    sheet.block(
        translate("Share of each row"),
        [before, *(Column(name, Kind.SHARE) for name in names)],
        (
            [was, *(ratio(count, sum(row.values())) for count in row.values())]
            for was, row in matrix.items()
        ),
    )


def write_about(report: Report, sheet: Sheet, translate: Translate) -> None:
    """Write the metadata, one key a line, then controls, invalid lines and the last runs."""
    text = Kind.TEXT
    sheet.listing(
        [Column(translate("key"), text), Column(translate("value"), Kind.VALUE)],
        _flat(report.about),
        fixed=1,
    )
    sheet.block(
        translate("Controls"),
        [
            Column(translate("control"), text),
            Column(translate("Verdict"), text),
            Column(translate("equation"), Kind.NOTE),
        ],
        (
            [
                each.name,
                translate("holds" if each.holds else "fails"),
                each.detail,
            ]
            for each in report.controls
        ),
    )
    counted = report.metadata.input
    if counted and (invalid := counted.invalid_lines):
        sheet.block(
            translate("Input lines that hold no pair"),
            [Column(translate("line"), Kind.VALUE), Column(translate("reason"), Kind.NOTE)],
            ([each.line, reason_in(translate, each.reason)] for each in invalid),
        )
    if report.metadata.history is None:
        return
    sheet.block(
        translate("Last runs"),
        [
            Column("run_date", text),
            Column("run_id", text),
            Column(translate("pairs")),
            *(Column(state.value) for state in State),
            Column(translate("gain")),
            Column(translate("loss")),
            *(Column(change.value) for change in CHANGES),
        ],
        (
            [
                each.run_date.isoformat(),
                each.run_id,
                each.pairs,
                *(each.states[state] for state in State),
                each.gain,
                each.loss,
                *(each.changes[change] for change in CHANGES),
            ]
            for each in report.metadata.history
        ),
    )


def _flat(value: object, key: str = "") -> Iterator[list[Cell]]:
    """Yield the metadata, one key a line: ``input.lines``, 2035."""
    if key in _TABLES:
        return
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, f"{key}.{name}" if key else name)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield [key, value]
    elif isinstance(value, list):
        yield [key, "; ".join(map(_one_value, value)) or None]
    else:
        yield [key, None if value is None else str(value)]


def _one_value(value: object) -> str:
    """Return an item of a list as text; of an object, the values of its members."""
    if isinstance(value, Mapping):
        return " ".join(str(each) for each in value.values() if each is not None)
    return str(value)
