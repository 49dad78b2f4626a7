"""The sheet About: the controls, the roll-forward, invalid lines, and how the run went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from jobs.render.excel.cells import Cell, coded
from jobs.render.excel.looks import Column, Kind, Style
from jobs.render.excel.sheet import Sheet
from jobs.render.language import Translate
from jobs.render.moments import moment_text, zone_of
from jobs.render.text import CONTROLS
from jobs.render.warnings import reason_in
from jobs.report.model import Report

__all__ = ["write_about"]

_TABLES: Final = ("summary", "by", "run.reasons", "controls", "history", "input.invalid_lines")
"""Parts of the metadata that have their own table, here or on another sheet."""


def write_about(report: Report, sheet: Sheet, translate: Translate) -> None:
    """Write the controls with their numbers, then the metadata, one key a line."""
    text, note = Kind.TEXT, Kind.NOTE
    sheet.block(
        translate("Controls"),
        [
            Column(translate("control"), text),
            Column(translate("Verdict"), text),
            Column(translate("equation"), note),
        ],
        (
            [
                _control(each.name, translate),
                translate("holds" if each.holds else "fails"),
                each.detail,
            ]
            for each in report.controls
        ),
    )
    _write_roll_forward(report, sheet, translate)
    counted = report.metadata.input
    if counted and (invalid := counted.invalid_lines):
        sheet.block(
            translate("Input lines that hold no pair"),
            [Column(translate("line"), Kind.VALUE), Column(translate("reason"), note)],
            ([each.line, reason_in(translate, each.reason)] for each in invalid),
        )
    zone = zone_of(report.timezone)
    sheet.block(
        translate("How it was run, and against what"),
        [Column(translate("key"), text), Column(translate("value"), note)],
        _flat(report.about, zone),
    )
    sheet.line(
        translate("The metadata, named as in the JSON format; times in {zone}").format(
            zone=zone.key
        ),
        Style.REMARK,
    )


def _control(name: str, translate: Translate) -> str:
    return translate(CONTROLS[name]) if name in CONTROLS else name.replace("_", " ")


def _write_roll_forward(report: Report, sheet: Sheet, translate: Translate) -> None:
    """Write how the number of pairs last known in each state came from the last report's."""
    flows = {state: asdict(flow) for state, flow in report.summary.roll_forward.items()}
    shown = {state: flow for state, flow in flows.items() if any(flow.values())}
    if not shown:
        return
    names = list(next(iter(shown.values())))
    state = Column(translate("state"), Kind.TEXT)
    sheet.block(
        translate("Roll-forward"),
        [state, *(Column(translate(name.replace("_", " "))) for name in names)],
        ([coded(each, translate), *flow.values()] for each, flow in shown.items()),
    )


def _flat(value: object, zone: ZoneInfo, key: str = "") -> Iterator[list[Cell]]:
    """Yield the metadata, one key a line: ``input.lines``, 2035; times are those of ``zone``."""
    if key in _TABLES:
        return
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, zone, f"{key}.{name}" if key else name)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield [key, value]
    elif isinstance(value, list):
        yield [key, "; ".join(map(_one_value, value)) or None]
    else:
        yield [key, None if value is None else _text(str(value), zone)]


def _text(value: str, zone: ZoneInfo) -> str:
    """Return a text; a time with an offset is shown in ``zone``, a date stays as it is."""
    try:
        is_time = datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return value
    return moment_text(value, zone) if is_time else value


def _one_value(value: object) -> str:
    """Return an item of a list as text; of an object, the values of its members."""
    if isinstance(value, Mapping):
        return " ".join(str(each) for each in value.values() if each is not None)
    return str(value)
