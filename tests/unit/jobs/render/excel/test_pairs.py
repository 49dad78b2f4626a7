"""The sheets of pairs: those that do not fit are counted, and every column has its Chinese name."""

from __future__ import annotations

import io
from dataclasses import replace

import openpyxl
import pytest

from jobs.render.excel.workbook import write_excel
from jobs.render.language import Language
from jobs.render.translations import CHINESE
from jobs.report.info import Metadata
from jobs.report.part_info import PartInfo
from jobs.schema import Listing, listed


@pytest.fixture
def part(after):
    """Return the report of the people of one organization."""
    before = {f"A/o{n}": "ON" for n in range(6)}
    report = after(before, before | {"A/o0": "OFF", "A/o1": "OFF", "A/o2": "UNKNOWN"})
    info = PartInfo(
        comparison=False, rewritten=False, known_before_only=0, organizations=("A",), where=()
    )
    metadata = Metadata.from_json(report.about | {"part": info.to_json(), "only": "people"})
    return replace(report, metadata=metadata)


def workbook(report, language=Language.EN, **limits):
    file = io.BytesIO()
    write_excel(report, file, language, **limits)
    return openpyxl.load_workbook(file)


def test_the_sheet_people_has_everybody(part):
    sheet = workbook(part)["People"]
    assert [cell.value for cell in sheet["B"]] == ["openid", *(f"o{n}" for n in range(6))]


@pytest.mark.parametrize(
    ("language", "name", "said"),
    [
        (
            Language.EN,
            "People",
            ("more rows do not fit on a sheet of Excel;", "UNKNOWN 1, UNCHANGED 3"),
        ),
        (
            Language.ZH,
            "人员",
            ("另有 4 行超出 Excel 单个工作表的行数上限", "是全的。未知 1，未变 3"),
        ),
    ],
)
def test_people_that_do_not_fit_are_counted_by_what_happened_to_them(part, language, name, said):
    sheet = workbook(part, language, most_rows=4)[name]
    begins, ends = said
    assert begins in sheet["A1"].value
    assert sheet["A1"].value.endswith(ends)
    assert "4" in sheet["A1"].value.split(ends)[0]
    assert [cell.value for cell in sheet["B"]] == [None, "openid", "o0", "o1"]
    assert sheet.max_row == 4


def test_exactly_as_many_as_fit_are_all_there(part):
    sheet = workbook(part, most_rows=7)["People"]
    assert [cell.value for cell in sheet["B"]] == ["openid", *(f"o{n}" for n in range(6))]


def test_every_column_of_a_sheet_has_a_chinese_name():
    names = {*listed(Listing.CHANGES_SHEET), *listed(Listing.UNKNOWN_SHEET)}
    people = {"known_state", "first_seen_at", "last_changed_at", "input_line"}
    assert (names | people) - set(CHINESE) == set()
