"""The sheets of a history's workbook that are about organizations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from jobs.history.model import Gap, History
from jobs.render.excel.cells import Cell, ratio
from jobs.render.excel.sheet import Column, Kind, Style
from jobs.render.history.charts import MULTIPLES, multiples
from jobs.render.history.excel_parts import DATE_AXIS, Book, serial, series

__all__ = ["write_organization_nights", "write_organizations"]

_SMALL: Final = {"width": 300, "height": 150}
_ROWS_PER_SMALL: Final = 8
_COLUMNS_PER_SMALL: Final = 5
_ACROSS: Final = 4


def write_organizations(history: History, parts: Book) -> None:
    """Write a line for each organization, those that lost most first."""
    translate = parts.translate
    sheet, _, _ = parts.sheet("Organizations")
    columns = [
        Column("organization_id", Kind.TEXT),
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
                serial(first.run_date),
                serial(last.run_date),
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


def write_organization_nights(history: History, parts: Book) -> None:
    """Write the shares of the organizations that lost most, each with a chart on one scale."""
    translate = parts.translate
    small, common = multiples(history)
    sheet, tab, name = parts.sheet("Organization nights")
    sheet.line(translate("Organizations that lost most"), Style.TITLE)
    if not small:
        sheet.line(translate("No organization lost anybody in these nights."), Style.WARNING)
        return
    sheet.line(translate("share ON"), Style.HEADING)
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
    rows = [[serial(day), *(shares.get(day) for shares in own)] for day in dates]
    sheet.listing(columns, rows, fixed=1)
    top, bottom = 3, 2 + len(rows)
    for at, each in enumerate(small):
        chart = parts.chart(
            "line", each.organization.organization_id, num_format="0%",
            min=common.lowest, max=common.highest,
        )  # fmt: skip
        column = at + 1
        chart.add_series(
            series(each.organization.organization_id, [name, top, 0, bottom, 0],
                    [name, top, column, bottom, column])
        )  # fmt: skip
        chart.set_x_axis(DATE_AXIS)
        chart.set_legend({"none": True})
        chart.set_size(_SMALL)
        row, across = divmod(at, _ACROSS)
        tab.insert_chart(
            top + row * _ROWS_PER_SMALL, MULTIPLES + 2 + across * _COLUMNS_PER_SMALL, chart
        )
