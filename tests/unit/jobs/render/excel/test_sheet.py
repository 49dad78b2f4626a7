"""A table on a sheet: a share is never rounded to all, columns are no wider than they need be."""

from __future__ import annotations

import io

import openpyxl
import pytest
import xlsxwriter

from jobs.render.excel.looks import Column, Kind, Style
from jobs.render.excel.sheet import Book


def written(write):
    file = io.BytesIO()
    made = xlsxwriter.Workbook(file, {"in_memory": True})
    write(Book(made, str, 1_000).sheet("S"))
    made.close()
    return openpyxl.load_workbook(file)["S"]


@pytest.mark.parametrize(
    ("share", "look"),
    [
        (1.0, '[=0]0.0%;[<0.0005]"< 0.1%";0.0%'),
        (0.9996, '"> 99.9%"'),
        (0.9994, '[=0]0.0%;[<0.0005]"< 0.1%";0.0%'),
        (0.0, '[=0]0.0%;[<0.0005]"< 0.1%";0.0%'),
    ],
)
def test_what_is_not_all_is_not_shown_as_100_percent(share, look):
    columns = [Column("name", Kind.TEXT), Column("share", Kind.SHARE)]
    sheet = written(lambda sheet: sheet.listing(columns, [["a", share]], fixed=1))
    assert sheet["B2"].number_format == look
    assert sheet["B2"].value == share


def test_a_heading_over_two_lines_makes_no_column_wide():
    columns = [Column("关闭后又开通 REAUTHORIZED"), Column("最近已知状态的应答时间")]
    sheet = written(lambda sheet: sheet.listing(columns, [[1, 2]], fixed=0))
    assert 15 < sheet.column_dimensions["A"].width < 19
    assert 14 < sheet.column_dimensions["B"].width < 18
    assert sheet.row_dimensions[1].height == 30


def test_a_sheet_is_printed_on_a4_across_with_its_headings_on_every_page():
    columns = [Column("name", Kind.TEXT)]
    sheet = written(lambda sheet: sheet.listing(columns, [["a"]] * 99, fixed=1))
    assert sheet.page_setup.orientation == "landscape"
    assert sheet.page_setup.paperSize == 9
    assert sheet.page_setup.fitToHeight == 0
    assert sheet.oddFooter.right.text == "&P / &N"


def test_a_wide_table_goes_on_beside_the_page_with_its_first_columns_again():
    columns = [Column("name", Kind.TEXT), *(Column(f"number {at}") for at in range(60))]
    sheet = written(lambda sheet: sheet.listing(columns, [["a", *range(60)]], fixed=1))
    assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (3, 0)
    assert (sheet.print_title_cols, sheet.print_title_rows) == ("$A:$A", "$1:$1")


def test_headings_of_numbers_stand_above_them_and_leave_room_for_the_filter():
    columns = [Column("name", Kind.TEXT), Column("pairs"), Column("share", Kind.SHARE)]
    sheet = written(lambda sheet: sheet.listing(columns, [["a", 1, 0.5]], fixed=1))
    assert [cell.alignment.horizontal for cell in sheet[1]] == [None, "right", "right"]
    assert [cell.alignment.indent for cell in sheet[1]] == [0, 2, 2]


def test_prose_is_wrapped_in_a_wide_column():
    columns = [Column("word", Kind.TEXT), Column("meaning", Kind.PROSE)]
    sheet = written(lambda sheet: sheet.block("Words", columns, [["a", "b " * 500]]))
    assert sheet["B4"].alignment.wrap_text
    assert 95 < sheet.column_dimensions["B"].width < 103
    assert sheet.row_dimensions[4].height == 10 * 15


def test_a_short_paragraph_is_an_ordinary_line():
    sheet = written(lambda sheet: sheet.paragraph("short", Style.TITLE))
    assert not sheet.merged_cells.ranges
    assert sheet["A1"].value == "short"
