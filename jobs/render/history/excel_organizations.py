"""The sheets of a history's workbook that are about organizations."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Final

from jobs.history.model import Gap, History
from jobs.render.excel.cells import Cell, day_cell, ratio
from jobs.render.excel.charts import Cells, add_line, chart
from jobs.render.excel.looks import Column, Kind, Style
from jobs.render.excel.sheet import Book
from jobs.render.history.charts import multiples
from jobs.render.language import Translate

__all__ = ["write_organization_nights", "write_organizations"]

_SMALL: Final = {"width": 320, "height": 170}
_BETWEEN: Final = 8
"""Pixels from one chart to the next."""
_SMALL_LABELS: Final = 4
_ROWS_PER_SMALL: Final = 9
_ACROSS: Final = 4


def write_organizations(history: History, parts: Book, translate: Translate) -> None:
    """Write a line for each organization, those that lost most first."""
    sheet = parts.sheet("Organizations")
    columns = [
        Column(translate("organization_id"), Kind.TEXT),
        Column(translate("first night"), Kind.DATE),
        Column(translate("last night"), Kind.DATE),
        Column(translate("ON, first night")),
        Column(translate("ON, last night")),
        Column(translate("pairs")),
        Column(translate("share ON"), Kind.SHARE),
        *(Column(translate(each)) for each in ("gained", "lost", "never back")),
    ]
    rows: list[Sequence[Cell]] = []
    for each in history.organizations:
        if not each.nights:
            rows.append(
                [each.organization_id, *[None] * 6, each.gained, each.lost, each.never_back]
            )
            continue
        first, last = each.nights[0], each.nights[-1]
        rows.append(
            [
                each.organization_id,
                day_cell(first.run_date),
                day_cell(last.run_date),
                first.on,
                last.on,
                last.pairs,
                ratio(last.on, last.pairs),
                each.gained,
                each.lost,
                each.never_back,
            ]
        )
    sheet.listing(columns, rows, fixed=1)


def write_organization_nights(history: History, parts: Book, translate: Translate) -> None:
    """Write the shares of the organizations that lost most, each with a chart on one scale."""
    small, common = multiples(history)
    sheet = parts.sheet("Organization nights")
    sheet.line(translate("Organizations that lost most"), Style.TITLE)
    if not small:
        sheet.line(translate("No organization lost anybody in these nights."), Style.WARNING)
        return
    sheet.line(translate("share ON"), Style.HEADING)
    top = sheet.skip(_ROWS_PER_SMALL * ceil(len(small) / _ACROSS))
    own = [{n.run_date: n.on / n.pairs for n in each.organization.nights} for each in small]
    dates = [
        day
        for line in history.lines()
        for day in (line.dates() if isinstance(line, Gap) else [line.run_date])
    ]
    columns = [
        Column(translate("night"), Kind.DATE),
        *(Column(each.organization.organization_id, Kind.SHARE) for each in small),
    ]
    rows = [[day_cell(day), *(shares.get(day) for shares in own)] for day in dates]
    cells = Cells(sheet.name, sheet.row + 1, sheet.row + len(rows))
    sheet.listing(columns, rows, fixed=None)
    for at, each in enumerate(small):
        name = each.organization.organization_id
        limits = (common.lowest, common.highest)
        made = chart(
            sheet.book, "line", name, num_format="0%", limits=limits,
            nights=cells.nights, labels=_SMALL_LABELS,
        )  # fmt: skip
        add_line(made, name, cells, at + 1)
        made.set_size(_SMALL)
        row, across = divmod(at, _ACROSS)
        sheet.insert(made, top + row * _ROWS_PER_SMALL, across * (_SMALL["width"] + _BETWEEN))
