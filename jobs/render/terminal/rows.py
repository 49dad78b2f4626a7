"""A report's rows on a terminal: one line a pair, openids shortened if they would not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import pandas as pd
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from jobs.render.language import Language, Translate
from jobs.render.moments import texts, zone_of
from jobs.render.translations import translator
from jobs.report.model import Report
from jobs.schema import Listing, listed
from palm.text.printable import printable

__all__ = ["print_rows", "shortened"]

_BETWEEN: Final = "  "
_ELLIPSIS: Final = "…"
_PRINTED_AT_ONCE: Final = 1_000
_KEYS: Final = ("organization_id", "openid")
_BEFORE, _NOW = "previous_state", "state"
_TIMES: Final = ("authorize_time", "answered_at")
_LEFT_OUT: Final = ("answered_at", "authorize_time")
"""Columns left out where a line does not fit, the second if it still does not when shortened."""
_FIXED: Final = ("change", _BEFORE, "unknown_reason", *_TIMES)
"""Columns that are not shortened."""
_SHORT, _SHORT_CARRIED = 13, 10
_HEADINGS: Final = {"organization_id": "organization", "openid": "openid"}


class _Shown(NamedTuple):
    """A column as it is printed."""

    name: str
    heading: str
    cells: list[str]

    @property
    def width(self) -> int:
        """The number of columns that the widest text takes on a terminal."""
        return max(map(cell_len, (self.heading, *self.cells)))


def print_rows(
    report: Report, console: Console, language: Language = Language.EN, *, wide: bool = False
) -> None:
    """Print a line for each pair, with local times, and values that nobody has left out.

    Args:
        report: Whose rows are printed.
        console: Where to print them.
        language: Of headings and of values.
        wide: Print every column in full, however long a line becomes.
    """
    translate, zone = translator(language), zone_of(report.timezone)
    columns = _columns(report, translate)
    fit = columns if wide else _fitting(columns, console.width)
    lines = list(_lines(fit))
    console.print(Text(lines[0], style="bold"), soft_wrap=True)
    for start in range(1, len(lines), _PRINTED_AT_ONCE):
        console.print(Text("\n".join(lines[start : start + _PRINTED_AT_ONCE])), soft_wrap=True)
    notes = []
    if any(each.name in _TIMES for each in fit):
        notes.append(translate("Times in {zone}.").format(zone=zone.key))
    if fit != columns:
        notes.append(translate("--wide shows everything in full."))
    if notes:
        console.print(Text(translate(" ").join(notes), style="dim"))


def shortened(text: str, width: int) -> str:
    """Return a text of at most ``width`` columns, without its middle if it is longer."""
    if cell_len(text) <= width:
        return text
    tail = (width - 1) // 2
    begin = set_cell_size(text, width - 1 - tail).rstrip()
    return begin + _ELLIPSIS + set_cell_size(text[::-1], tail).rstrip()[::-1]


def _columns(report: Report, translate: Translate) -> list[_Shown]:
    """Return the columns that have a value in some row; the two states are one column."""
    rows, zone, names = report.rows, zone_of(report.timezone), listed(Listing.TERMINAL)
    states = [_words(rows[name], translate, missing="–") for name in (_BEFORE, _NOW)]
    merged = [f"{was} → {now}" for was, now in zip(*states, strict=True)]
    shown = []
    for name in [*names[: len(_KEYS)], *report.show, *names[len(_KEYS) :]]:
        if name == _NOW:
            continue
        if name == _BEFORE:
            shown.append(_Shown(name, translate("before → now"), merged))
        elif name in _KEYS or name in report.show:
            texts_of = rows[name].astype("str").where(rows[name].notna(), "")
            heading = printable(name) if name in report.show else translate(_HEADINGS[name])
            shown.append(_Shown(name, heading, [printable(text) for text in texts_of]))
        elif name in _TIMES:
            shown.append(_Shown(name, translate(name), texts(rows[name], zone)))
        else:
            shown.append(_Shown(name, translate(name), _words(rows[name], translate)))
    return [each for each in shown if each.name in _KEYS or any(each.cells)]


def _words(column: pd.Series, translate: Translate, missing: str = "") -> list[str]:
    """Return the values of a closed set in the reader's language."""
    words = {each: translate(each) for each in column.dropna().unique()}
    return [words.get(each, missing) for each in column]


def _fitting(columns: Sequence[_Shown], width: int) -> list[_Shown]:
    """Return the columns as they fit into ``width``: some left out, others shortened."""
    fit = list(columns)
    if _width(fit) > width:
        fit = [each for each in fit if each.name != _LEFT_OUT[0]]
    order = sorted(range(len(fit)), key=lambda at: fit[at].name != "openid")
    for at in order:
        own = fit[at]
        if _width(fit) > width and own.name not in _FIXED:
            most = _SHORT if own.name in _KEYS else _SHORT_CARRIED
            cells = [shortened(cell, most) for cell in own.cells]
            fit[at] = own._replace(heading=shortened(own.heading, most), cells=cells)
    if _width(fit) > width:
        fit = [each for each in fit if each.name != _LEFT_OUT[1]]
    return fit


def _width(columns: Sequence[_Shown]) -> int:
    return sum(each.width for each in columns) + len(_BETWEEN) * (len(columns) - 1)


def _lines(columns: Sequence[_Shown]) -> Iterator[str]:
    """Yield the headings, then a line for each row."""
    padded = [
        [text + " " * (own.width - cell_len(text)) for text in (own.heading, *own.cells)]
        for own in columns
    ]
    for line in zip(*padded, strict=True):
        yield _BETWEEN.join(line).rstrip()
